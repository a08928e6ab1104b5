/** Python with its words in colours, as HTML. The classes are those of highlight.js. */
import hljs from 'highlight.js/lib/core'
import python from 'highlight.js/lib/languages/python'
import { showHidden } from '../../notebook/hidden-characters.ts'
import { escapeHtml } from './escape-html.ts'

hljs.registerLanguage('python', python)

/** A page must not wait for the colours of what nobody reads. */
const MAX_CHARS = 100_000

export function highlightPython(code: string): string {
  const shown = showHidden(code)
  if (shown.length > MAX_CHARS) return escapeHtml(shown)
  return hljs.highlight(shown, { language: 'python', ignoreIllegals: true }).value
}
