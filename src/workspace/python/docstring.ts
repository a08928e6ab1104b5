/** The docstring of a module or of a function, as Python's `ast.get_docstring` gives it. */
import { NotPython, pythonText, quoteAt, tokensOf, type Token } from './scan.ts'

/** Of a module, by its file; empty where it has none, and for a file that is no Python: importing it says so. */
export function moduleDocs(file: Uint8Array): string {
  try {
    const source = pythonText(file)
    return docstringAt(source, tokensOf(source)) ?? ''
  } catch (error) {
    if (error instanceof NotPython) return ''
    throw error
  }
}

/**
 * Of the code whose tokens begin at `from`; undefined: it has none. A character that is written by its Unicode name (`\N{…}`) stays as it
 * was written.
 */
export function docstringAt(source: string, tokens: readonly Token[], from = 0): string | undefined {
  let at = from
  while (tokens[at]?.kind === 'newline') at += 1
  let depth = 0
  for (; isBracket(source, tokens[at], '('); at += 1) depth += 1
  const first = at
  while (tokens[at]?.kind === 'string') at += 1
  const strings = tokens.slice(first, at)
  for (; depth > 0 && isBracket(source, tokens[at], ')'); at += 1) depth -= 1
  const next = tokens[at]
  const ends = next === undefined || next.kind === 'newline' || source.slice(next.start, next.end) === ';'
  if (strings.length === 0 || depth > 0 || !ends) return undefined
  // Bytes and f-strings are no docstrings.
  if (strings.some(({ prefix }) => /[bft]/.test(prefix ?? ''))) return undefined
  return cleaned(strings.map((token) => valueOf(source, token)).join(''))
}

function isBracket(source: string, token: Token | undefined, bracket: '(' | ')'): boolean {
  return token !== undefined && token.end === token.start + 1 && source[token.start] === bracket
}

function valueOf(source: string, { start, end, prefix = '' }: Token): string {
  const quote = quoteAt(source, start + prefix.length)
  const body = source.slice(start + prefix.length + quote.length, end - quote.length)
  return prefix.includes('r') ? body : body.replaceAll(ESCAPE, unescaped)
}

const ESCAPE = /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([^]))/g
const LETTERS: Record<string, string> = {
  '\n': '',
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  "'": "'",
  '"': '"',
}

function unescaped(whole: string, octal?: string, x?: string, u?: string, upper?: string, letter = ''): string {
  if (octal !== undefined) return String.fromCodePoint(parseInt(octal, 8))
  const hex = x ?? u ?? upper
  if (hex === undefined) return LETTERS[letter] ?? whole
  const code = parseInt(hex, 16)
  return code <= 0x10_ff_ff ? String.fromCodePoint(code) : whole
}

/** As `inspect.cleandoc`: what all lines but the first are indented by is taken away, and blank lines at both ends. */
function cleaned(text: string): string {
  const [first = '', ...rest] = withoutTabs(text).split('\n')
  const indents = rest.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length)
  const margin = indents.length > 0 ? Math.min(...indents) : 0
  const lines = [first.trimStart(), ...rest.map((line) => line.slice(margin))]
  while (lines.at(-1) === '') lines.pop()
  while (lines[0] === '') lines.shift()
  return lines.join('\n')
}

function withoutTabs(text: string): string {
  let column = 0
  let result = ''
  for (const char of text) {
    const wide = char === '\t' ? ' '.repeat(8 - (column % 8)) : char
    column = char === '\n' || char === '\r' ? 0 : column + (char === '\t' ? wide.length : 1)
    result += wide
  }
  return result
}
