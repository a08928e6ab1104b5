import { z } from 'zod'
import { SeerError } from '../errors.ts'
import type { Layout, Machine } from '../sandbox/backend.ts'
import { HostConnection } from './host-connection.ts'
import type { NetworkRules } from './protocol.ts'
import { openRelay } from './relay-stream.ts'

const readySchema = z.object({ ready: z.literal(true), pid: z.int(), startTime: z.string() })
/** A failure that it knows by name. */
const failedSchema = z.object({ error: z.string(), code: z.enum(['wall-failed', 'wall-leaks']) })
const READY_DEADLINE_MS = 30_000
/** What it said on stderr may come after the end of its stdout. */
const STDERR_WAIT_MS = 50

export interface HostOptions {
  readonly sandbox: string
  readonly python: string
  /** The whole environment of the kernels: nothing of this process's environment is handed on. */
  readonly kernelEnv: Readonly<Record<string, string>>
  /** Secrets in all forms in which the host must not write them down. */
  readonly redact?: readonly { name: string; forms: readonly string[] }[]
  readonly leaseSeconds: number
  readonly deadlineSeconds: number | null
  readonly cellDiskCapBytes: number
  /** How a wall is to be built around all that runs the agent's code. Undefined: there is none. */
  readonly wall: object | undefined
  /** Where code behind the wall may connect to. Null: nowhere, and no later rules can change that. */
  readonly network: NetworkRules | null
}

/** Starts the host process on a machine. It detaches: it outlives this process for the length of its lease. */
export async function startHost(
  machine: Machine,
  layout: Layout,
  options: HostOptions,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  const host = await machine.spawn([options.python, '-I', `${layout.pythonDir}/boot.py`, 'host'])
  let stderr = ''
  host.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-4000)))
  host.stdin.on('error', () => undefined)
  const { stateDir, kernelDir: runtimeDir, workspace, libraries: librariesDir, socket, pythonDir } = layout
  const places = { stateDir, runtimeDir, workspace, librariesDir, socket, pythonDir }
  host.stdin.end(`${JSON.stringify({ ...places, ...options })}\n`)
  let said = ''
  const ready = Promise.withResolvers<string>()
  host.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString()
    if (said.includes('\n')) ready.resolve(said.slice(0, said.indexOf('\n')))
  })
  const fail = (why: string) =>
    ready.reject(new SeerError('host-failed', { message: `The sandbox's host process ${why}. ${stderr}`.trim() }))
  // The process that was started may end early: the host proper is its child. Only silence and a closed stdout are failures.
  host.stdout.once('end', () => setTimeout(() => fail('ended before it was ready'), STDERR_WAIT_MS))
  const timer = setTimeout(() => fail(`was not ready within ${READY_DEADLINE_MS / 1000} s`), READY_DEADLINE_MS)
  const onAbort = () => ready.reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const line = await ready.promise
    const failed = failedSchema.safeParse(parse(line))
    if (failed.success) throw wallError(failed.data)
    if (!readySchema.safeParse(parse(line)).success)
      throw new SeerError('host-failed', { message: `The host process said "${line}". ${stderr}`.trim() })
  } catch (error) {
    host.kill()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}

function wallError({ code, error }: z.infer<typeof failedSchema>): SeerError {
  const leaks = code === 'wall-leaks'
  return new SeerError(code, {
    message: `The sandbox was not started: ${error}`,
    hint: leaks
      ? 'Its wall was tried before any of the agent’s code ran, and did not hold. This is a fault of Seer or of this machine: please report it.'
      : '`seer doctor` tries the wall by itself and says more.',
  })
}

/** A connection to a host that runs on `machine`. */
export function connectHost(
  machine: Machine,
  layout: Layout,
  python: string,
  notice: (text: string) => void,
): HostConnection {
  const argv = [python, '-I', `${layout.pythonDir}/boot.py`, 'relay', '--socket', layout.socket, '--marker']
  return new HostConnection(() => openRelay((marker) => machine.spawn([...argv, marker])), notice)
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}
