/**
 * How many columns of a terminal a text takes, and how it is broken into lines. Where terminals disagree (joined emoji, new
 * ones), the larger number counts: a line of somebody else's text that a terminal wraps by itself would start at the left edge,
 * where only Seer writes.
 */
const PLAIN = /^[\x20-\x7e]*$/
const NO_WIDTH = /^[\p{Mn}\p{Me}\p{Cf}]$/u
const EMOJI = /^\p{Emoji_Presentation}$/u
const EMOJI_STYLE = 0xfe0f

/** East Asian wide and full-width characters, and everything in the blocks of emoji. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x11ff],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7ff],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe19],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x1f000, 0x1faff],
  [0x20000, 0x3fffd],
]

export function widthOf(text: string): number {
  if (PLAIN.test(text)) return text.length
  let columns = 0
  for (const character of text) columns += widthOfCharacter(character)
  return columns
}

/** The text on one line, with `…` where it was too long. */
export function clip(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  return `${startOf(text, Math.max(0, columns - 1)).trimEnd()}…`
}

/** Lines of at most so many columns, for code and output: every character stays, a space near the end is the place to break. */
export function breakHard(text: string, columns: number): string[] {
  const lines: string[] = []
  let rest = text
  while (widthOf(rest) > columns) {
    const most = startOf(rest, Math.max(2, columns))
    const space = most.lastIndexOf(' ') + 1
    const isNear = space > most.length * 0.75 && most.slice(0, space).trim() !== ''
    const line = isNear ? most.slice(0, space) : most
    lines.push(line)
    rest = rest.slice(line.length)
  }
  return rest === '' && lines.length > 0 ? lines : [...lines, rest]
}

/** Lines of at most so many columns, broken between words; what follows a list's mark stays under its first word. */
export function breakWords(text: string, columns: number): string[] {
  if (widthOf(text) <= columns) return [text]
  const start = /^\s*(?:[-*+•]\s+|\d+[.)]\s+)?/.exec(text)![0]
  const indent = widthOf(start) < columns / 2 ? ' '.repeat(widthOf(start)) : ''
  const lines: string[] = []
  let line = start
  let isBare = true
  for (const [token] of text.slice(start.length).matchAll(/\S+\s*/gu)) {
    const word = token.trimEnd()
    if (!isBare && widthOf(line) + widthOf(word) > columns) {
      lines.push(line.trimEnd())
      line = indent
      isBare = true
    }
    if (widthOf(line) + widthOf(word) > columns) {
      const parts = breakHard(line + token, columns)
      line = parts.pop()!
      lines.push(...parts)
    } else line += token
    isBare = false
  }
  return [...lines, line.trimEnd()]
}

function startOf(text: string, columns: number): string {
  let taken = 0
  let at = 0
  for (const character of text) {
    taken += widthOfCharacter(character)
    if (taken > columns) break
    at += character.length
  }
  return text.slice(0, at)
}

function widthOfCharacter(character: string): number {
  const code = character.codePointAt(0)!
  if (code < 0x300) return 1
  // It asks for the wide form of the narrow character before it.
  if (code === EMOJI_STYLE) return 1
  if (NO_WIDTH.test(character)) return 0
  return WIDE.some(([from, to]) => code >= from && code <= to) || EMOJI.test(character) ? 2 : 1
}
