/**
 * Where strings, brackets and lines of a Python source begin and end: enough to find a docstring or a function in it, before there
 * is any Python to ask. f-strings as of Python 3.12, in which those of earlier versions read the same.
 */

export interface Token {
  /** `newline` ends a logical line: none stands within brackets or after a backslash. Comments and spaces are no tokens. */
  readonly kind: 'string' | 'newline' | 'open' | 'close' | 'other'
  readonly start: number
  readonly end: number
  /** Of a string: `r`, `b`, `f`, … in lower case. */
  readonly prefix?: string
}

/** Thrown for a source that does not end where it should, or is no Python at all. */
export class NotPython extends Error {}

/** Line ends as Python reads them, without a byte order mark. All positions are in this text. Throws NotPython. */
export function pythonText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replaceAll(/\r\n?/g, '\n')
  } catch {
    throw new NotPython('it is not UTF-8')
  }
}

const WORD = /[\p{L}\p{N}\p{M}_]+/uy
const PREFIX = /^(?:[rubft]|br|rb|fr|rf|tr|rt)$/i
const CLOSES: Record<string, string> = { '(': ')', '[': ']', '{': '}' }

/** Throws NotPython. */
export function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  const end = scanCode(source, 0, tokens)
  if (end !== source.length) throw new NotPython('a bracket is closed that was not opened')
  tokens.push({ kind: 'newline', start: source.length, end: source.length })
  return tokens
}

/** Ends at the end of the source, or at a closing bracket (or the `:` or `!` of an f-string's expression) that is not this code's own. */
function scanCode(source: string, from: number, tokens: Token[] | null, inFString = false): number {
  const open: string[] = []
  let at = from
  while (at < source.length) {
    const char = source[at]!
    if (char === ' ' || char === '\t' || char === '\f') at += 1
    else if (char === '\n') {
      if (open.length === 0) add('newline', 1)
      else at += 1
    } else if (char === '#') at = endOfLine(source, at)
    else if (char === '\\' && source[at + 1] === '\n') at += 2
    else if (char === '"' || char === "'") at = string('', at)
    else if (char in CLOSES) {
      open.push(CLOSES[char]!)
      add('open', 1)
    } else if (char === ')' || char === ']' || char === '}') {
      if (open.length === 0) return at
      if (open.pop() !== char) throw new NotPython('brackets do not match')
      add('close', 1)
    } else if (inFString && open.length === 0 && char === ':') return at
    else {
      WORD.lastIndex = at
      const word = WORD.exec(source)?.[0] ?? char
      const next = source[at + word.length]
      if ((next === '"' || next === "'") && PREFIX.test(word)) at = string(word.toLowerCase(), at)
      else add('other', word.length)
    }
  }
  if (open.length > 0) throw new NotPython('a bracket is not closed')
  return at

  function add(kind: Token['kind'], length: number): void {
    tokens?.push({ kind, start: at, end: at + length })
    at += length
  }

  function string(prefix: string, start: number): number {
    const end = scanString(source, start + prefix.length, prefix)
    tokens?.push({ kind: 'string', start, end, prefix })
    return end
  }
}

function endOfLine(source: string, from: number): number {
  const found = source.indexOf('\n', from)
  return found < 0 ? source.length : found
}

/** `from` is at the first quote. */
function scanString(source: string, from: number, prefix: string): number {
  const quote = quoteAt(source, from)
  const isFormatted = /[ft]/.test(prefix)
  let at = from + quote.length
  while (at < source.length) {
    const char = source[at]!
    if (source.startsWith(quote, at)) return at + quote.length
    if (char === '\n' && quote.length === 1) break
    if (char === '\\') {
      const next = source[at + 1]
      if (isFormatted && (next === '{' || next === '}')) at += 1
      else if (isFormatted && !prefix.includes('r') && source.startsWith('N{', at + 1)) at = source.indexOf('}', at) + 1
      else at += 2
      if (at === 0) break
    } else if (isFormatted && char === '{') {
      at = source[at + 1] === '{' ? at + 2 : scanField(source, at + 1, quote)
    } else at += 1
  }
  throw new NotPython('a string is not closed')
}

/** An f-string's `{…}` behind its brace: an expression, and maybe a format with fields of its own. */
function scanField(source: string, from: number, quote: string): number {
  let at = scanCode(source, from, null, true)
  if (source[at] === ':') {
    at += 1
    while (at < source.length && source[at] !== '}') {
      if (source.startsWith(quote, at)) throw new NotPython('a field of a string is not closed')
      at = source[at] === '{' ? scanField(source, at + 1, quote) : at + 1
    }
  }
  if (source[at] !== '}') throw new NotPython('a field of a string is not closed')
  return at + 1
}

export function quoteAt(source: string, at: number): string {
  const char = source[at]!
  return source.startsWith(char.repeat(3), at) ? char.repeat(3) : char
}
