/** The escape sequences of terminals, as text: found and taken out. Needs nothing of Node's, so that a page can use it too. */

const CSI = '(?:\\u{1b}\\[|\\u{9b})[0-?]*[ -/]*[@-~]'
// Titles, links, the clipboard. Their text holds no control characters: one without an end hides nothing that comes after it.
const STRING = '(?:\\u{1b}[\\]PX^_]|[\\u{90}\\u{98}\\u{9d}-\\u{9f}])(?:\\P{Cc}*(?:\\u{7}|\\u{1b}\\\\|\\u{9c}))?'
const OTHER = '\\u{1b}[ -/]*[0-~]'

/** Each match is one sequence. For `replaceAll` and `matchAll` only: it has no state of its own between calls of those. */
export const ESCAPE_SEQUENCES = new RegExp(`${CSI}|${STRING}|${OTHER}`, 'gu')

export function stripEscapes(text: string): string {
  return /[^\P{Cc}\n\t]/u.test(text) ? text.replaceAll(ESCAPE_SEQUENCES, '') : text
}
