/** A drawing as an address for `<img src>`: there an SVG can neither run anything nor fetch anything. */

const PREFIX = 'data:image/svg+xml;base64,'
const CHUNK = 0x8000

export function svgDataUrl(svg: string): string {
  const bytes = new TextEncoder().encode(standalone(svg))
  let binary = ''
  for (let at = 0; at < bytes.length; at += CHUNK) binary += String.fromCharCode(...bytes.subarray(at, at + CHUNK))
  return PREFIX + btoa(binary)
}

/** In a page an `<svg>` needs no namespace, as a file it does. */
function standalone(svg: string): string {
  const [tag = ''] = /<svg\b[^>]*/i.exec(svg) ?? []
  return tag === '' || /\sxmlns\s*=/.test(tag)
    ? svg
    : svg.replace(tag, () => `${tag.slice(0, 4)} xmlns="http://www.w3.org/2000/svg"${tag.slice(4)}`)
}
