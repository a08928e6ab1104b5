const ENTITIES: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', '#39': "'", nbsp: ' ' }

/** HTML as text: enough to read a table or a paragraph by; the notebook has the real one. */
export function textOfHtml(html: string): string {
  return html
    .replace(/<(script|style)\b[^]*?<\/\1\s*>/gi, '')
    .replace(/[ \t]*\n\s*/g, ' ')
    .replace(/<\/t[dh]\s*>/gi, '\t')
    .replace(/<(br|\/tr|\/p|\/div|\/li|\/h[1-6])\b[^>]*>/gi, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(lt|gt|amp|quot|#39|nbsp);/g, (_, name: string) => ENTITIES[name]!)
    .replace(/^[ \t]+|[ \t]+$/gm, '')
    .trim()
}
