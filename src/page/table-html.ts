/**
 * A table that a library made as HTML, as a table of the page's own: only the cells and their text. What is more than a table
 * is not made into one, and stays in its frame.
 */
import sanitizeHtml from 'sanitize-html'
import { showHidden } from '../notebook/hidden-characters.ts'

const TABLE = ['table', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td', 'caption']
/** Around a table, and of no meaning without their style. */
const WRAPPERS = ['div', 'p', 'span', 'b', 'strong', 'i', 'em', 'br', 'style', 'small']
const MAX_CHARS = 512 * 1024

const OPTIONS: sanitizeHtml.IOptions = {
  allowedTags: TABLE,
  allowedAttributes: { th: ['colspan', 'rowspan', 'scope'], td: ['colspan', 'rowspan'] },
  nonTextTags: ['style', 'script', 'textarea', 'option', 'noscript', 'template', 'title'],
  parseStyleAttributes: false,
}

export function tableHtml(html: string): string | undefined {
  if (html.length > MAX_CHARS || !/<table[\s>]/i.test(html)) return undefined
  for (const [, name = ''] of html.matchAll(/<([a-z][\w-]*)/gi)) {
    const tag = name.toLowerCase()
    if (!TABLE.includes(tag) && !WRAPPERS.includes(tag)) return undefined
  }
  return showHidden(sanitizeHtml(html, OPTIONS))
}
