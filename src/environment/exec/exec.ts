/** Commands in a sandbox, behind its wall: to wait for what one prints, or to have it run on. */
import { z } from 'zod'
import type { Connection } from '../../channel/host-connection.ts'
import { parseOptions } from '../../options.ts'
import { checkExec } from './exec-error.ts'
import type { SandboxProcess } from './sandbox-process.ts'
import { startProcess, type ProcessContext, type ProcessSpec } from './start-process.ts'

const KiB = 1024
/** Of each of stdout and stderr; `exec` holds them in memory. */
const MAX_BYTES = 1024 ** 3
const SPAWN_MAX_BYTES = 256 * KiB ** 2

const text = z.string().refine((value) => !value.includes('\0'), 'cannot hold a NUL character')

const optionsSchema = z.strictObject({
  /** As the code in the sandbox sees it; relative to the workspace. */
  cwd: text.min(1).max(4096).optional(),
  /** Beside the variables that kernels have. */
  env: z.record(text.regex(/^[^=]+$/, 'is no name of a variable'), text).optional(),
  /** Its stdin; larger than 525 kB it is to be a file. */
  input: z.union([z.string(), z.instanceof(Uint8Array)]).optional(),
  /** Seconds after which it is ended, with all that it started. */
  timeout: z.number().positive().max(1e9).optional(),
  /** Ends it. */
  signal: z.instanceof(AbortSignal).optional(),
  /** How much is kept of each of stdout and stderr. */
  maxBytes: z.int().positive().max(MAX_BYTES).optional(),
})
export type ExecOptions = z.input<typeof optionsSchema>
/** A text is for `/bin/sh`; a list is a program and its arguments, with no shell between. */
export type Command = string | readonly string[]

/**
 * What the command printed to stdout. Throws an {@link ExecError} for an exit code other than 0, a signal, its timeout and output that
 * was not kept; `process-not-started` with the reason; and the reason of its signal.
 */
export async function exec(
  connection: Connection,
  command: Command,
  options: ExecOptions,
  context: ProcessContext,
): Promise<string> {
  const { timeout, ...more } = parseOptions('exec', optionsSchema, options)
  const spec = { ...more, argv: argvOf(command), timeout, purpose: 'exec' }
  return runToEnd(connection, spec, typeof command === 'string' ? command : command.join(' '), context)
}

/** What the code printed to stdout, in a new Python of the sandbox's environment, in the workspace. A traceback is in the error. */
export async function execPython(
  connection: Connection,
  code: string,
  options: Omit<ExecOptions, 'input'>,
  context: ProcessContext,
): Promise<string> {
  const parsed = parseOptions('execPython', optionsSchema.omit({ input: true }), options)
  const [first = ''] = code.trim().split('\n')
  // Found by the PATH of kernels: the one that sees what was installed later, too.
  const spec = { ...parsed, argv: ['python', '-'], input: code, purpose: 'execPython' }
  return runToEnd(connection, spec, `python: ${first}`, context)
}

/** Started, and not waited for. */
export async function spawn(
  connection: Connection,
  command: Command,
  options: ExecOptions,
  context: ProcessContext,
): Promise<SandboxProcess> {
  const { maxBytes = SPAWN_MAX_BYTES, ...more } = parseOptions('spawn', optionsSchema, options)
  return startProcess(connection, { ...more, maxBytes, argv: argvOf(command), purpose: 'spawn' }, context)
}

/** Runs a process and waits for its end: what it printed to stdout, or an {@link ExecError}. `name` stands for it in the error. */
export async function runToEnd(
  connection: Connection,
  spec: ProcessSpec,
  name: string,
  context: ProcessContext,
): Promise<string> {
  const process = await startProcess(connection, spec, context)
  const parts = { stdout: [] as string[], stderr: [] as string[] }
  try {
    for await (const { stream, text } of process.output) parts[stream].push(text)
  } finally {
    // Also where reading failed: it is over only now, and this says why.
    await process.ended
  }
  const { omittedBytes: _, ...end } = await process.ended
  const stdout = parts.stdout.join('')
  checkExec(name, { ...end, stdout, stderr: parts.stderr.join('') }, spec.timeout)
  return stdout
}

function argvOf(command: Command): readonly string[] {
  if (typeof command !== 'string') return command
  return command.trim() === '' ? [] : ['/bin/sh', '-c', command]
}
