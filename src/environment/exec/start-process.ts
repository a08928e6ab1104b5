/** Starts a process in a sandbox: in the log before it is sent, and started once however often the connection is lost. */
import { isUtf8 } from 'node:buffer'
import { randomBytes } from 'node:crypto'
import type { Connection } from '../../channel/host-connection.ts'
import { SeerError } from '../../errors.ts'
import type { By, Emit } from '../../run/events.ts'
import { untilAborted } from '../../until-aborted.ts'
import type { RunningSandbox } from '../running-sandbox.ts'
import { nameOf } from './exec-error.ts'
import { checkedArgv, checkedInput } from './process-input.ts'
import { kill, NO_END, reasonOf, SandboxProcess, type ProcessEnd } from './sandbox-process.ts'

/** What is kept on the sandbox's machine of each stream, if nothing else is said. */
const MAX_BYTES = 16 * 1024 * 1024

export interface ProcessSpec {
  /** A program, found by the PATH of the sandbox, and its arguments. */
  readonly argv: readonly string[]
  /** As the code in the sandbox sees it; relative to the workspace. */
  readonly cwd?: string | undefined
  /** Beside what kernels have. */
  readonly env?: Readonly<Record<string, string>> | undefined
  /** Its stdin. */
  readonly input?: string | Uint8Array | undefined
  /** Its stdin is a byte stream of `channel/streams.ts` instead. */
  readonly stream?: boolean | undefined
  /** One of {@link newProcessId}, where it is to be known before. */
  readonly id?: string | undefined
  /** Seconds after which it is ended, with all that it started. */
  readonly timeout?: number | undefined
  /** Of each of stdout and stderr; what is more is counted, not kept. */
  readonly maxBytes?: number | undefined
  /** Ends it when it is aborted. */
  readonly signal?: AbortSignal | undefined
  /** In the log: what it is for, and who started it. */
  readonly purpose: string
  readonly by?: By | undefined
}

export interface ProcessContext {
  readonly sandbox: string
  readonly emit: Emit
  /** Of the run: its end is the end of the process. */
  readonly signal: AbortSignal
  /** Why the sandbox cannot be asked for anything any more, once that is so. */
  readonly refusal?: () => SeerError | undefined
}

export function contextOf({ id, connection, use: { run } }: RunningSandbox): ProcessContext {
  return { sandbox: id, emit: run.emit, signal: run.signal, refusal: () => connection.refusal }
}

export function newProcessId(): string {
  return `p-${randomBytes(5).toString('hex')}`
}

const unfinished = new WeakMap<Connection, Set<Promise<unknown>>>()

/** Resolves when the end of every process that was started over this connection is in the log. */
export async function processesEnded(connection: Connection): Promise<void> {
  await Promise.allSettled(unfinished.get(connection) ?? new Set<Promise<unknown>>())
}

/** Throws `process-not-started` with the reason, and the reason of a signal that is aborted already. */
export async function startProcess(
  connection: Connection,
  spec: ProcessSpec,
  context: ProcessContext,
): Promise<SandboxProcess> {
  const starting = start(connection, spec, context)
  remember(connection, starting)
  const process = await starting
  remember(connection, process.ended)
  return process
}

/** Until it is settled. */
function remember(connection: Connection, promise: Promise<unknown>): void {
  const mine = unfinished.get(connection) ?? new Set()
  unfinished.set(connection, mine.add(promise))
  const forget = () => void mine.delete(promise)
  promise.then(forget, forget)
}

async function start(connection: Connection, spec: ProcessSpec, context: ProcessContext): Promise<SandboxProcess> {
  const { argv, cwd = '.', purpose, by = 'researcher', timeout, maxBytes = MAX_BYTES, stream = false } = spec
  const { id = newProcessId() } = spec
  const signal = AbortSignal.any([context.signal, ...(spec.signal ? [spec.signal] : [])])
  signal.throwIfAborted()
  const stdin = checkedInput(spec.input)
  const params = {
    process: id,
    argv: checkedArgv(argv),
    cwd,
    env: { ...spec.env },
    stdin: stdin.toString('base64'),
    seconds: timeout ?? null,
    maxBytes,
    stream,
  }
  const about = { by, sandbox: context.sandbox, process: id }
  const input = stdin.length > 0 && isUtf8(stdin) ? { input: stdin.toString() } : {}
  context.emit({ type: 'process-start', ...about, argv: [...argv], cwd, purpose, ...input })
  const tellEnd = (end: Omit<ProcessEnd, 'lostBytes'>) => void context.emit({ type: 'process-end', ...about, ...end })
  const startedAt = performance.now()
  const { refusal = () => undefined } = context
  const starting = connection.request('process/start', params)
  try {
    await untilAborted(starting, signal)
  } catch (error) {
    // It may have been started all the same, and is ended then.
    starting.then(() => kill(connection, id)).catch(() => undefined)
    const why = reasonOf(error)
    const because = isNotStarted(error) ? `it was not started: ${why}` : `it was given up as it started: ${why}`
    try {
      tellEnd({ ...NO_END, because, durationMs: performance.now() - startedAt })
    } catch {
      // A log that cannot be written ends the run by itself.
    }
    throw isNotStarted(error) ? notStarted(argv, why, error) : error
  }
  return new SandboxProcess(connection, id, { signal, startedAt, tellEnd, refusal })
}

function isNotStarted(error: unknown): boolean {
  return error instanceof SeerError && error.code === 'process-start-failed'
}

function notStarted(argv: readonly string[], why: string, cause: unknown): SeerError {
  return new SeerError('process-not-started', { message: `${nameOf(argv.join(' '))} was not started: ${why}.`, cause })
}
