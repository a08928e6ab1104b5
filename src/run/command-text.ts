/** A process of a sandbox as a person would type it, on one line. */
import type { EventOf } from './events.ts'

type Started = Pick<EventOf<'process-start'>, 'argv' | 'purpose' | 'input'>

/** What `exec` and its like were given; what Seer itself starts is told by its purpose. */
export function commandText(started: Started): string {
  const { purpose } = started
  const text = firstLine(wholeCommand(started))
  if (purpose === 'execPython') return `python: ${text}`
  return purpose === 'exec' || purpose === 'spawn' ? `$ ${text}` : `${purpose}: ${text}`
}

/** The code, the script, or the program with its arguments. */
export function wholeCommand({ argv, purpose, input }: Started): string {
  if (purpose === 'execPython') return input ?? ''
  const [shell, flag, script] = argv
  const isScript = argv.length === 3 && shell === '/bin/sh' && flag === '-c'
  return isScript ? (script ?? '') : argv.map(quoted).join(' ')
}

/** How it ended, in a few words; null where it ended well. */
export function failureText(end: Pick<EventOf<'process-end'>, 'exitCode' | 'signal' | 'because'>): string | null {
  if (end.exitCode === 0 && end.because === undefined) return null
  const how =
    end.exitCode === null
      ? (end.signal ?? (end.because === undefined ? 'no exit code' : ''))
      : `exit code ${end.exitCode}`
  return [how, end.because].filter((part) => part !== undefined && part !== '').join(', ')
}

function firstLine(text: string): string {
  const lines = text.trim().split('\n')
  return lines.length > 1 ? `${lines[0]} …` : (lines[0] ?? '')
}

function quoted(argument: string): string {
  if (/^[\w./:=@%+,-]+$/.test(argument)) return argument
  return `'${argument.replaceAll("'", `'\\''`)}'`
}
