/** The functions at the top level of a Python source. */
import { docstringAt } from './docstring.ts'
import type { Token } from './scan.ts'

export interface PythonFunction {
  readonly name: string
  /** From its first decorator to its last statement, without the end of that line. */
  readonly source: string
  readonly docstring: string | undefined
}

export function functionsOf(source: string, tokens: readonly Token[]): PythonFunction[] {
  const functions: PythonFunction[] = []
  const word = (at: number) => source.slice(tokens[at]?.start, tokens[at]?.end)
  let decorated: number | undefined
  for (const line of topLines(source, tokens)) {
    const start = decorated ?? tokens[line]!.start
    decorated = word(line) === '@' ? start : undefined
    const name = word(line) === 'def' ? line + 1 : word(line) === 'async' && word(line + 1) === 'def' ? line + 2 : null
    if (name === null) continue
    const body = endOfHeader(source, tokens, name)
    const end = endOfBlock(source, tokens, body)
    functions.push({ name: word(name), source: source.slice(start, end), docstring: docstringAt(source, tokens, body) })
  }
  return functions
}

/** Where the logical lines begin that are not indented. */
function* topLines(source: string, tokens: readonly Token[]): Generator<number> {
  let begins = true
  for (const [at, token] of tokens.entries()) {
    if (token.kind === 'newline') begins = true
    else {
      if (begins && !isIndented(source, token)) yield at
      begins = false
    }
  }
}

function isIndented(source: string, { start }: Token): boolean {
  return source[start - 1] === ' ' || source[start - 1] === '\t'
}

/** Behind its colon: those of annotations and defaults stand in brackets. */
function endOfHeader(source: string, tokens: readonly Token[], from: number): number {
  let depth = 0
  let at = from
  for (; at < tokens.length; at += 1) {
    const { kind, start } = tokens[at]!
    depth += kind === 'open' ? 1 : kind === 'close' ? -1 : 0
    if (depth === 0 && kind === 'other' && source[start] === ':') return at + 1
  }
  return at
}

/** Behind the last token before the next line that is not indented. */
function endOfBlock(source: string, tokens: readonly Token[], from: number): number {
  let end = tokens[from - 1]!.end
  let begins = false
  for (let at = from; at < tokens.length; at += 1) {
    const token = tokens[at]!
    if (token.kind === 'newline') begins = true
    else {
      if (begins && !isIndented(source, token)) return end
      begins = false
      end = token.end
    }
  }
  return end
}
