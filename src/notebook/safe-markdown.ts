/** Text that others wrote, for a notebook's markdown cells: an agent may format its words, and no more than its words. */
import { neutralise, safeCut } from './terminal-text.ts'

/** Unlike an escape, it is not seen, in code neither; and a tag that begins with it is none. */
const ZERO_WIDTH = '\u200b'

/** Headings, lists and code stay markdown. HTML is shown and does not act, pictures are not fetched. */
export function safeMarkdown(text: string): string {
  return neutralise(text.replaceAll(/\r\n?/g, '\n'))
    .replaceAll(/<(?=[A-Za-z/!?])/g, `<${ZERO_WIDTH}`)
    .replaceAll('![', `!${ZERO_WIDTH}[`)
}

/** As a quotation: nothing in it, a fence that is not closed neither, reaches beyond its end. */
export function quoted(text: string): string {
  return safeMarkdown(text)
    .trim()
    .split('\n')
    .map((line) => `> ${line}`.trimEnd())
    .join('\n')
}

/** One line, and no markdown of its own. */
export function plain(text: string, maxChars = 1000): string {
  const line = neutralise(text).replaceAll(/\s+/g, ' ').trim()
  const kept = line.length <= maxChars ? line : `${line.slice(0, safeCut(line, maxChars))}…`
  return kept.replaceAll(/[\\`*_[\]<>#|]/g, (character) => `\\${character}`)
}
