/** Where a function is declared in a source text: `name`, `Class.method`, `Class.#private`, `factory.member`. */
import { stripTypeScriptTypes } from 'node:module'

export interface Declaration {
  /** Where its body begins: 0-based, as V8 counts. */
  readonly line: number
  readonly column: number
  /** Names of its plain parameters. */
  readonly parameters: readonly string[]
}

/** Undefined where there is none of that name. Stripping types keeps every position. */
export function typescriptDeclaration(source: string, name: string): Declaration | undefined {
  const text = stripped(source)
  let at = 0
  const [last, ...outer] = name.split('.').reverse() as [string, ...string[]]
  for (const part of outer.reverse()) {
    const found = new RegExp(`\\b(?:class|function\\*?|const)\\s+${escaped(part)}\\b`).exec(text.slice(at))
    if (!found) return undefined
    at += found.index + found[0].length
  }
  const word = escaped(last)
  const forms = [
    `^(?:export\\s+)?(?:async\\s+)?function\\*?\\s+${word}`,
    `^(?:export\\s+)?const\\s+${word}\\s*=\\s*(?:async\\s*)?`,
  ]
  const members = [
    `^\\s+(?:static\\s+)?(?:async\\s+)?\\*?${word}(?=\\s*\\()`,
    `^\\s+${word}:\\s*(?:async\\s*)?`,
    `^\\s+(?:async\\s+)?function\\*?\\s+${word}`,
  ]
  for (const form of outer.length > 0 ? members : forms) {
    for (const found of text.slice(at).matchAll(new RegExp(form, 'gm'))) {
      const open = text.indexOf('(', at + found.index + found[0].length)
      if (open < 0 || text.slice(at + found.index + found[0].length, open).trim() !== '') continue
      const declaration = functionAt(text, open)
      if (declaration) return declaration
    }
  }
  return undefined
}

export function hasPythonDeclaration(source: string, name: string): boolean {
  const [last, owner] = name.split('.').reverse()
  const at = owner === undefined ? 0 : source.search(new RegExp(`^class ${owner}\\b`, 'm'))
  return (
    at >= 0 &&
    new RegExp(owner === undefined ? `^(?:async )?def ${last}\\(` : `^    (?:async )?def ${last}\\(`, 'm').test(
      source.slice(at),
    )
  )
}

/** `open` is at the bracket of the parameters. A call has no body behind it, and so is none. */
function functionAt(text: string, open: number): Declaration | undefined {
  const close = closing(text, open)
  const behind = /^\)\s*(?:=>\s*)?\{/.exec(text.slice(close))
  if (!behind) return undefined
  const before = text.slice(0, close + behind[0].length).split('\n')
  const parameters = topLevel(text.slice(open + 1, close)).flatMap((part) => /^\s*([A-Za-z_]\w*)/.exec(part)?.[1] ?? [])
  return { line: before.length - 1, column: before.at(-1)!.length, parameters }
}

function closing(text: string, open: number): number {
  let depth = 0
  for (let i = open; i < text.length; i++) {
    if ('([{'.includes(text[i]!)) depth += 1
    if (')]}'.includes(text[i]!) && --depth === 0) return i
  }
  return text.length
}

function topLevel(list: string): string[] {
  let depth = 0
  const parts = ['']
  for (const char of list) {
    if ('([{'.includes(char)) depth += 1
    if (')]}'.includes(char)) depth -= 1
    if (char === ',' && depth === 0) parts.push('')
    else parts[parts.length - 1] += char
  }
  return parts
}

const known = new Map<string, string>()

function stripped(source: string): string {
  const text = known.get(source) ?? strip(source)
  known.set(source, text)
  return text
}

function strip(source: string): string {
  const warn = process.emitWarning.bind(process)
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(source)
  } finally {
    process.emitWarning = warn
  }
}

function escaped(text: string): string {
  return text.replaceAll(/[#$]/g, '\\$&')
}
