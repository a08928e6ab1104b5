/**
 * Markdown that others wrote, as HTML. Two lines of defence: the renderer makes only elements of markdown (HTML in it stays
 * text, pictures are named and not fetched), and a sanitiser lets nothing else pass.
 */
import MarkdownIt from 'markdown-it'
import sanitizeHtml from 'sanitize-html'
import { showHidden } from '../../notebook/hidden-characters.ts'
import { stripEscapes } from '../../notebook/escapes.ts'
import { escapeHtml } from './escape-html.ts'
import { highlightPython } from './highlight.ts'
import { closeLink, openLink, safeUrl } from './links.ts'

/** Beyond this it stands as plain text. */
const MAX_CHARS = 100_000

const markdown = new MarkdownIt({
  html: false,
  linkify: false,
  highlight: (code, language) => (/^(python|py|ipython)3?$/i.test(language) ? highlightPython(code) : escapeHtml(code)),
})
markdown.validateLink = (url) => safeUrl(url) !== null

markdown.renderer.rules['image'] = (tokens, index) => {
  const token = tokens[index]!
  const src = token.attrGet('src') ?? ''
  return `<span class="image-left-out">[image, not fetched: ${escapeHtml(token.content)} (${escapeHtml(String(src))})]</span>`
}
markdown.renderer.rules['link_open'] = (tokens, index) => openLink(hrefOf(tokens[index]!))
markdown.renderer.rules['link_close'] = (tokens, index) => {
  let open = index
  while (open > 0 && tokens[open]!.type !== 'link_open') open -= 1
  const text = tokens.slice(open + 1, index).map(({ content }) => content)
  return closeLink(hrefOf(tokens[open]!), text.join(''))
}
// Columns are aligned by a style attribute, which a strict page does not allow.
for (const rule of ['th_open', 'td_open'] as const) {
  markdown.renderer.rules[rule] = (tokens, index) => {
    const align = /text-align:(left|center|right)/.exec(String(tokens[index]!.attrGet('style') ?? ''))?.[1]
    return `<${rule.slice(0, 2)}${align ? ` class="align-${align}"` : ''}>`
  }
}

const HEADINGS = ['h1', 'h2', 'h3', 'h4', 'h5', 'h6']
const BLOCKS = ['p', 'blockquote', 'pre', 'ul', 'ol', 'li', 'hr', 'br', 'table', 'thead', 'tbody', 'tr', 'th', 'td']
const SPANS = ['a', 'em', 'strong', 's', 'code', 'span']

const ALLOWED: sanitizeHtml.IOptions = {
  allowedTags: [...HEADINGS, ...BLOCKS, ...SPANS],
  allowedAttributes: { a: ['href', 'rel', 'target'], ol: ['start'] },
  allowedClasses: {
    th: ['align-*'],
    td: ['align-*'],
    span: ['hljs-*', 'link-target', 'image-left-out', '*_'],
  },
  allowedSchemes: ['http', 'https'],
  allowProtocolRelative: false,
  disallowedTagsMode: 'escape',
  parseStyleAttributes: false,
}

export function markdownToHtml(text: string): string {
  const shown = showHidden(stripEscapes(text.replaceAll(/\r\n?/g, '\n')))
  if (shown.length > MAX_CHARS) return `<pre>${escapeHtml(shown)}</pre>`
  return sanitizeHtml(markdown.render(shown), ALLOWED)
}

function hrefOf(token: { attrGet(name: string): string | number | null }): string {
  return safeUrl(String(token.attrGet('href') ?? '')) ?? 'about:blank'
}
