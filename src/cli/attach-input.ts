/** What a person types at `seer attach`, line by line, as cells and commands. */

export type Typed = { kind: 'code'; code: string } | { kind: 'command'; name: string; text: string }

export interface AttachInput {
  /** What is whole with this line; undefined while more is to come. */
  readonly take: (line: string) => Typed | undefined
  /** At the end of all lines. */
  readonly rest: () => Typed | undefined
  /** Forgets what is not whole yet. */
  readonly clear: () => void
  /** There are lines that are not whole yet. */
  readonly pending: () => boolean
}

const COMMAND = /^:([a-z]+)(?:\s+([^]*))?$/

export function openInput(): AttachInput {
  let lines: string[] = []
  const take = (line: string): Typed | undefined => {
    if (lines.length === 0) {
      const [, name, text = ''] = COMMAND.exec(line.trim()) ?? []
      if (name !== undefined) return { kind: 'command', name, text: text.trim() }
      if (line.trim() === '') return undefined
    }
    const isEnd = lines.length > 0 && line.trim() === ''
    lines.push(line)
    return !isEnd && goesOn(lines) ? undefined : rest()
  }
  const rest = (): Typed | undefined => {
    const code = lines.join('\n').trimEnd()
    lines = []
    return code === '' ? undefined : { kind: 'code', code }
  }
  return { take, rest, clear: () => void (lines = []), pending: () => lines.length > 0 }
}

/** As Python's own prompt does it: a block goes on until an empty line, and so does what is open at the end of a line. */
function goesOn(lines: readonly string[]): boolean {
  if (lines.length > 1) return true
  const [line = ''] = lines
  const bare = line.replaceAll(/(["'])(?:\\.|(?!\1).)*\1/g, '').replace(/#.*$/, '')
  const open = (bare.match(/[([{]/g)?.length ?? 0) - (bare.match(/[)\]}]/g)?.length ?? 0)
  return open > 0 || /[:\\]\s*$/.test(bare) || /^\s*@/.test(bare) || line.startsWith('%%') || /"""|'''/.test(bare)
}
