/** Why a command that was waited for did not do what it was asked to. */
import { fineDuration, shortened, size } from '../../amounts.ts'
import { SeerError } from '../../errors.ts'
import { neutralise } from '../../notebook/terminal-text.ts'
import { endOf } from './process-output.ts'

export interface ExecOutput {
  /** Null where a signal ended it. */
  readonly exitCode: number | null
  readonly signal: string | null
  /** What is known of the reason: a limit, its timeout, the end of the sandbox. */
  readonly because?: string
  readonly durationMs: number
  readonly stdout: string
  readonly stderr: string
  /** Bytes that were not kept: they were more than `maxBytes`, or the disk was full. */
  readonly lostBytes: number
}

/** `exec-failed`, `exec-timeout`, `exec-output-lost`: the command was started, and `result` is what came of it. */
export class ExecError extends SeerError {
  /** Not a field: whoever prints the error is not to print megabytes. */
  readonly #result: ExecOutput

  constructor(code: string, options: { message: string; hint?: string }, result: ExecOutput) {
    super(code, options)
    this.name = 'ExecError'
    this.#result = result
  }

  get result(): ExecOutput {
    return this.#result
  }
}

const COMMAND_CHARS = 200
const STDERR_CHARS = 2000
const STDOUT_CHARS = 1000
const SAID_LINES = 20

/** A command, for a message: on one line, and not the whole of a long one. */
export function nameOf(command: string): string {
  return `\`${shortened(neutralise(command).replaceAll(/\s+/g, ' ').trim(), COMMAND_CHARS)}\``
}

/** Throws where the command failed, was ended, or printed more than was kept. */
export function checkExec(command: string, result: ExecOutput, timeout: number | undefined): void {
  const { exitCode, signal, because, durationMs, lostBytes } = result
  const fail = (code: string, what: string, hint?: string) => {
    const message = `${nameOf(command)} ${what}${saidBy(result)}`
    return new ExecError(code, { message, ...(hint ? { hint } : {}) }, result)
  }
  if (timeout !== undefined && because !== undefined && durationMs >= timeout * 1000)
    throw fail('exec-timeout', `ran longer than ${timeout} s, and was ended with all that it had started.`)
  if (exitCode !== 0) {
    const how = exitCode === null ? `was ended by ${signal ?? 'something unknown'}` : `ended with exit code ${exitCode}`
    throw fail(
      'exec-failed',
      `${how} after ${fineDuration(durationMs)}${because === undefined ? '' : ` (${because})`}.`,
    )
  }
  if (lostBytes > 0)
    throw fail(
      'exec-output-lost',
      `printed more than was kept: ${size(lostBytes)} are lost.`,
      'Raise `maxBytes`, or write the output to a file and read that.',
    )
}

/** The ends of what it printed: an error is mostly the last thing. */
function saidBy({ stdout, stderr }: ExecOutput): string {
  return said('stderr', stderr, STDERR_CHARS) + said('stdout', stdout, STDOUT_CHARS)
}

function said(name: string, text: string, chars: number): string {
  const lines = neutralise(endOf(text, chars)).trim().split('\n')
  if (lines.join('') === '') return ''
  const isCut = text.length > chars || lines.length > SAID_LINES
  return `\n${name}${isCut ? ' (its end)' : ''}:\n${lines.slice(-SAID_LINES).join('\n')}`
}
