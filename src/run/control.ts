/**
 * How another process takes part in a run that is being written: it interrupts the agents, says something to one, stops the run.
 * The writer listens on a unix socket (`control-server.ts`); its lock says where.
 */
import { lstatSync } from 'node:fs'
import { connect } from 'node:net'
import { hostname, userInfo } from 'node:os'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { SeerError } from '../errors.ts'
import { answerSchema, checkMessage, type ControlAnswer, type ControlRequest } from './control-protocol.ts'
import { readLock } from './lock.ts'

const DEADLINE_MS = 2000
/** On a slow network. */
const INSTALL_MS = 30 * 60_000
const NAME = /\/seer(-\d+)?\/control\/[0-9a-f]+\.sock$/

export interface ControlOptions {
  /** What the run's log is to say of where it came from. */
  readonly from: 'page' | 'command'
  /** For each answer, and for the connection. */
  readonly deadlineMs?: number
}

/**
 * A connection to the writer of a run. Whatever it refuses is thrown as a SeerError:
 * `agent-none` (no agent is working), `agent-several` (say which), `agent-unknown`, `agent-recorded` (cannot be told anything),
 * `agent-ended`, `invalid-options` (an empty or too long text), `run-ended`, `control-no-answer` (the connection is lost, or slow).
 */
export interface ControlClient extends Disposable {
  /** Resolves when the writer answers. */
  ping(): Promise<void>
  /** Stops what the agents are doing; the experiment goes on behind them. */
  interrupt(): Promise<void>
  /** Says something to the agent of this role; without it, to the one that works. It is told before it is asked the next time. */
  message(text: string, agent?: string): Promise<void>
  /** Ends the run as the first Ctrl-C does. Resolves when the writer has begun; it is over when its lock is gone. */
  stop(): Promise<void>
  /** The address of JupyterLab on a session; without one, on the newest. It may have to be installed first. */
  jupyter(session?: string): Promise<string>
  /** False once the writer, or {@link close}, has ended the connection. */
  readonly open: boolean
  close(): void
}

type Action = ControlRequest extends infer R ? (R extends ControlRequest ? Omit<R, 'id' | 'from'> : never) : never

/**
 * Throws `run-not-live` (nobody writes to it), `run-elsewhere` (its writer is on another machine), `control-missing` (its writer
 * does not listen), `control-refused` (the socket is not one of ours), `control-no-answer`.
 */
export async function connectControl(folder: string, options: ControlOptions): Promise<ControlClient> {
  const { from, deadlineMs = DEADLINE_MS } = options
  const { path, pid } = writerOf(folder)
  const waiting = new Map<ControlRequest['id'], (answer: ControlAnswer | undefined) => void>()
  // While something is asked, its timer keeps this process.
  const socket = connect(path).unref()
  const lines = createInterface({ input: socket, crlfDelay: Infinity })
  let open = true
  let lastId = 0
  const lost = () => {
    open = false
    for (const answered of waiting.values()) answered(undefined)
  }
  socket.on('error', lost).on('close', lost)
  // An error of the socket is passed on here too.
  lines.on('error', lost).on('line', (line) => {
    const answer = parseAnswer(line)
    if (answer && answer.id !== null) waiting.get(answer.id)?.(answer)
  })
  const ask = async (action: Action, withinMs = deadlineMs): Promise<string | undefined> => {
    if (!open) throw noAnswer(folder, pid)
    const id = ++lastId
    const { promise, resolve } = Promise.withResolvers<ControlAnswer | undefined>()
    const timer = setTimeout(resolve, withinMs, undefined)
    waiting.set(id, resolve)
    socket.write(`${JSON.stringify({ id, from, ...action })}\n`)
    const answer = await promise
    clearTimeout(timer)
    waiting.delete(id)
    if (answer === undefined) throw noAnswer(folder, pid)
    if ('error' in answer) throw refused(answer.error)
    return answer.url
  }
  const close = () => {
    open = false
    socket.destroy()
  }
  const client: ControlClient = {
    ping: async () => void (await ask({ do: 'ping' })),
    interrupt: async () => void (await ask({ do: 'interrupt' })),
    async message(text, agent) {
      checkMessage(text)
      await ask({ do: 'message', text, ...(agent === undefined ? {} : { agent }) })
    },
    stop: async () => void (await ask({ do: 'stop' })),
    jupyter: async (session) =>
      (await ask({ do: 'jupyter', ...(session === undefined ? {} : { session }) }, INSTALL_MS)) ?? '',
    get open() {
      return open
    },
    close,
    [Symbol.dispose]: close,
  }
  // A process that was halted still accepts connections.
  await client.ping().catch((error: unknown) => {
    close()
    throw error
  })
  return client
}

/** The process that writes to a run, and where it listens. */
function writerOf(folder: string): { path: string; pid: number } {
  const holder = readLock(folder)
  if (!holder?.alive)
    throw new SeerError('run-not-live', { message: `No process writes to the run in ${folder}: it has ended.` })
  const { pid, host, control: path } = holder
  if (host !== hostname()) {
    throw new SeerError('run-elsewhere', {
      message: `The run in ${folder} is being written on another machine, ${host}.`,
      hint: 'Give the command there.',
    })
  }
  if (path === undefined) {
    throw new SeerError('control-missing', {
      message: `The process ${pid} that writes to the run in ${folder} does not listen to other commands.`,
      hint: `Its log may say why. \`kill -INT ${pid}\` stops it as Ctrl-C does.`,
    })
  }
  const why = strangeness(path)
  if (why !== undefined) {
    throw new SeerError('control-refused', {
      message: `The lock of the run in ${folder} names a socket that is not to be trusted: ${why}.`,
      hint: `\`kill -INT ${pid}\` stops the run as Ctrl-C does.`,
    })
  }
  return { path, pid }
}

/** Whoever can write to a run's folder can write anything into its lock, the path of another program's socket too. */
function strangeness(path: string): string | undefined {
  const own = userInfo().uid
  const folder = lstatSync(dirname(path), { throwIfNoEntry: false })
  if (folder && (!folder.isDirectory() || folder.uid !== own || (folder.mode & 0o077) !== 0))
    return `${dirname(path)} is not a folder of this user, closed to others`
  const socket = lstatSync(path, { throwIfNoEntry: false })
  if (!NAME.test(path) || (socket && (!socket.isSocket() || socket.uid !== own)))
    return `${path} is none of Seer's sockets`
  return undefined
}

function parseAnswer(line: string): ControlAnswer | undefined {
  try {
    return answerSchema.parse(JSON.parse(line))
  } catch {
    return undefined
  }
}

function noAnswer(folder: string, pid: number): SeerError {
  if (!readLock(folder)?.alive)
    return new SeerError('run-not-live', { message: `The run in ${folder} has just ended.` })
  return new SeerError('control-no-answer', {
    message: `The process ${pid} that writes to the run in ${folder} does not answer.`,
    hint: `It may be halted or very busy, and may still do what was asked. \`kill -INT ${pid}\` stops it as Ctrl-C does.`,
  })
}

function refused({ code, message, hint }: { code: string; message: string; hint?: string | undefined }): SeerError {
  return new SeerError(code, { message, ...(hint === undefined ? {} : { hint }) })
}
