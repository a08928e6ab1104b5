/** What a terminal would show of a text: progress bars that overwrite themselves, and control characters that must not act. */
import { stripEscapes } from './escapes.ts'
import { showHidden } from './hidden-characters.ts'

/** The line that is still being written, and where in it the next character goes; `null` at its end. */
export interface TerminalLine {
  line: string
  column: number | null
}

/** A line that never ends is settled in parts, so that one endless line does not fill the memory. */
const MAX_OPEN_LINE = 32 * 1024

const ESC = '\u{1b}'
const SEQUENCE = new RegExp(`${ESC}\\[[0-9;:?]*[@-~]|[^]`, 'gu')
const SURROGATE = /[\ud800-\udfff]/

const acts = (text: string): boolean => text.includes('\r') || text.includes('\b') || text.includes(ESC)

/**
 * Writes `text` as a terminal would: `\r` goes back to the start of the line, `\b` one back, `ESC[K` erases. Whole lines are
 * given to `settle`; the last one stays open in `state`. Movements between lines are not followed.
 */
export function writeToTerminal(state: TerminalLine, text: string, settle: (text: string) => void): void {
  if (state.column === null && !acts(text)) {
    const end = text.lastIndexOf('\n') + 1
    if (end > 0) settle(state.line + text.slice(0, end))
    state.line = end > 0 ? text.slice(end) : state.line + text
  } else {
    const lines = text.replaceAll('\r\n', '\n').split('\n')
    for (const [index, line] of lines.entries()) {
      writeWithinLine(state, line)
      if (index === lines.length - 1) break
      settle(`${state.line}\n`)
      Object.assign(state, { line: '', column: null })
    }
  }
  if (state.line.length > MAX_OPEN_LINE && state.column === null) {
    const at = safeCut(state.line, state.line.length - MAX_OPEN_LINE / 2)
    settle(state.line.slice(0, at))
    state.line = state.line.slice(at)
  }
}

/** The whole text as a terminal would leave it. */
export function collapse(text: string): string {
  if (!acts(text)) return text
  const state: TerminalLine = { line: '', column: null }
  const settled: string[] = []
  writeToTerminal(state, text, (part) => settled.push(part))
  return settled.join('') + state.line
}

export function stripAnsi(text: string): string {
  return stripEscapes(text)
}

/** For printing what others wrote: no escape sequence acts, no control or direction character hides. Newlines and tabs stay. */
export function neutralise(text: string): string {
  return showHidden(stripEscapes(text))
}

/** `at`, or one less where it would cut a character in two. */
export function safeCut(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return at > 0 && at < text.length && code >= 0xdc00 && code <= 0xdfff ? at - 1 : at
}

function writeWithinLine(state: TerminalLine, text: string): void {
  if (text === '') return
  const whole = state.line + text
  if (whole.includes('\b') || whole.includes(ESC) || SURROGATE.test(whole)) return writeByUnits(state, text)
  const parts = text.split('\r')
  const first = parts[0]!
  const last = parts.at(-1)!
  const start = state.column ?? state.line.length
  parts[0] = state.line.slice(0, start) + first + state.line.slice(start + first.length)
  // From the last writing back to the first: of each earlier one, only what stands out beyond the later ones is seen.
  let seen = ''
  for (const part of parts.reverse()) if (part.length > seen.length) seen += part.slice(seen.length)
  state.line = seen
  const column = parts.length > 1 ? last.length : start + first.length
  state.column = column >= seen.length ? null : column
}

/** As above, where a column is not one code unit: characters with the escape sequences before them, moved over one by one. */
function writeByUnits(state: TerminalLine, text: string): void {
  const units: string[] = []
  put(units, 0, state.line)
  const column = put(units, state.column ?? units.length, text)
  state.line = units.join('')
  state.column = column >= units.length ? null : column
}

function put(units: string[], from: number, text: string): number {
  let column = from
  let pending = ''
  for (const [token] of text.matchAll(SEQUENCE)) {
    if (token === '\r') column = 0
    else if (token === '\b') column = Math.max(0, column - 1)
    else if (token === `${ESC}[K` || token === `${ESC}[0K`) units.length = Math.min(units.length, column)
    else if (token === `${ESC}[2K`) units.splice(0, units.length, ...Array.from({ length: column }, () => ' '))
    else if (token.length > 1 && token.startsWith(ESC)) pending += token
    else {
      while (units.length < column) units.push(' ')
      units[column++] = pending + token
      pending = ''
    }
  }
  // An escape sequence at the very end (mostly a colour's reset) belongs to the last character.
  if (pending && column > 0) units[column - 1] = (units[column - 1] ?? '') + pending
  else if (pending) units[0] = pending + (units[0] ?? '')
  return column
}
