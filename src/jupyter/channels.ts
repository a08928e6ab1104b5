/**
 * The kernel as JupyterLab sees it. What is run goes the way of every cell; what comes of it is told from the run's log, so that
 * whose a cell is, and what it printed, is what stands there.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import type { WebSocket } from 'ws'
import { z } from 'zod'
import { describeError, SeerError } from '../errors.ts'
import type { By, EventOf, RunEvent } from '../run/events.ts'
import { startCell } from '../tools/start-cell.ts'
import { runTool } from '../tools/tool.ts'
import { answerTo } from './answers.ts'
import { endSaid, failure, outputSaid, status, type Told } from './cell-messages.ts'
import { complete } from './complete.ts'
import { foreignHeader, messageText, readRequest, type Header, type Request, type Said } from './message.ts'
import type { SharedSession } from './shared-session.ts'

const BY = 'researcher' satisfies By
const MAX_CODE_CHARS = 1024 * 1024
/** Jupyter's server takes no more in one message. */
const MAX_MESSAGE_BYTES = 9.5 * 1024 * 1024
/** A browser that does not keep up is left behind: it finds all in the notebook. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024

const executeSchema = z.object({
  code: z.string().max(MAX_CODE_CHARS),
  silent: z.boolean().default(false),
  store_history: z.boolean().default(true),
})

export interface Channels {
  readonly connect: (socket: WebSocket) => void
  readonly state: () => 'busy' | 'idle'
  readonly connections: () => number
  /** Rejects where the cell goes on all the same. */
  readonly interrupt: () => Promise<void>
  readonly restart: () => Promise<void>
  readonly close: () => void
}

/** A cell of somebody here, or one that is shown only. */
interface Asked {
  readonly header: Header
  /** Whoever waits for the reply. */
  readonly socket?: WebSocket
  traceback?: Said
}

export function openChannels(shared: SharedSession): Channels {
  const { run, notebook, floor, tools } = shared
  const { kernel } = notebook
  const closed = new AbortController()
  const signal = AbortSignal.any([run.signal, closed.signal])
  const sockets = new Set<WebSocket>()
  const cells = new Map<string, Asked>()
  /** As the log has it: the kernel may know of a cell's end later. */
  const running = new Set<Asked>()
  const events = run.events()
  /** Cells start in the order in which they were asked for. */
  let queue = Promise.resolve()
  /** Those that wait for their turn. */
  let waiting = new AbortController()
  /** While it is open, a cell of the researcher may be one of ours. */
  let accepting: Promise<unknown> = Promise.resolve()
  let kernelSession = randomUUID()
  /** By JupyterLab, which connects again by itself. */
  let isRestarting = false
  let count = 0

  function send(to: Iterable<WebSocket>, said: Said, parent: Header): void {
    const text = messageText(said, parent, kernelSession)
    if (Buffer.byteLength(text) > MAX_MESSAGE_BYTES) return send(to, tooLarge(), parent)
    for (const socket of to) {
      if (socket.bufferedAmount > MAX_WAITING_BYTES) socket.terminate()
      else if (socket.readyState === socket.OPEN) socket.send(text)
    }
  }
  const broadcast = (said: Said, parent: Header) => send(sockets, said, parent)
  const tell = ({ header, socket }: Asked, { before, reply }: Told) => {
    for (const said of before) broadcast(said, header)
    if (socket) send([socket], reply, header)
    broadcast(status('idle'), header)
    tellState()
  }
  /** An answer beside a running cell must not make the kernel look idle. */
  function tellState(): void {
    const [asked] = running
    if (asked) broadcast(status('busy'), asked.header)
  }

  function execute(socket: WebSocket, { header, content }: Request): void {
    const asked: Asked = { header, socket }
    const { data } = executeSchema.safeParse(content)
    broadcast(status('busy'), header)
    if (!data) return tell(asked, failure('ValueError', 'The code is longer than a cell may be.'))
    // What JupyterLab runs for itself is no cell of anybody's.
    if (data.silent || !data.store_history || data.code.trim() === '') return tell(asked, nothingRun(count))
    const turn = waiting.signal
    queue = queue.then(() => start(asked, data.code, AbortSignal.any([signal, turn])))
  }

  async function start(asked: Asked, code: string, turn: AbortSignal): Promise<void> {
    try {
      const leave = await floor.take(BY, turn)
      try {
        const started = startCell(notebook, code, { by: BY })
        accepting = started
        const { cell } = await started
        cells.set(cell, asked)
      } finally {
        leave()
      }
    } catch (error) {
      tell(asked, turn.aborted ? aborted() : failure(...wordsOf(error)))
    }
  }

  async function take(event: RunEvent): Promise<void> {
    if (event.session !== kernel.session) return
    // One that died by itself is not told to be dead, since JupyterLab cannot start such a one anew. Whoever runs something is told.
    if (event.type === 'kernel-dead')
      return event.reason === 'asked' && !isRestarting ? broadcast(status('restarting'), NOBODY) : undefined
    if (event.type === 'kernel-start') return void (kernelSession = randomUUID())
    if (event.cell === undefined) return
    if (event.type === 'cell-start') await begin(event)
    const asked = cells.get(event.cell)
    if (!asked) return
    if (event.type === 'cell-output') {
      const said = outputSaid(event.output, notebook.readBlob)
      if (said.type === 'error') asked.traceback = said
      broadcast(said, asked.header)
    }
    if (event.type === 'cell-end') end(asked, event)
  }

  async function begin({ cell = '', by, code, hidden }: EventOf<'cell-start'>): Promise<void> {
    if (by === BY) await accepting.catch(() => undefined)
    if (hidden) return
    const asked = cells.get(cell) ?? { header: foreignHeader(cell, by) }
    cells.set(cell, asked)
    count += 1
    running.add(asked)
    broadcast(status('busy'), asked.header)
    broadcast({ channel: 'iopub', type: 'execute_input', content: { code, execution_count: count } }, asked.header)
  }

  function end(asked: Asked, event: EventOf<'cell-end'>): void {
    count = event.executionCount ?? count
    running.delete(asked)
    tell(asked, endSaid(event, asked.traceback))
  }

  async function follow(): Promise<void> {
    for await (const event of events) await take(event)
  }
  void follow().catch(close)

  async function useTool(name: string): Promise<void> {
    const call = { id: `jupyter-${randomBytes(6).toString('hex')}`, name, input: {} }
    const { emit, storeArtifact } = run
    const result = await runTool(tools, call, { emit, by: BY, signal, storeArtifact })
    const stopped = (result.structured as { stopped?: boolean } | null)?.stopped ?? true
    if (!result.isError && stopped) return
    const text = result.content.map((block) => (block.type === 'text' ? block.text : '')).join('\n')
    throw new SeerError('jupyter-refused', { message: text })
  }

  async function answer(socket: WebSocket, request: Request): Promise<void> {
    const { header, channel, content } = request
    if (header.msg_type === 'execute_request') return execute(socket, request)
    broadcast(status('busy'), header)
    const said = await answerOf(header.msg_type, content)
    if (said) send([socket], { ...said, channel: channel === 'control' ? 'control' : 'shell' }, header)
    broadcast(status('idle'), header)
    tellState()
  }
  async function answerOf(type: string, content: unknown): Promise<Said | undefined> {
    if (type === 'complete_request') return complete(kernel, content, signal)
    if (type !== 'interrupt_request') return answerTo(type, { session: kernel.session, run: run.id })
    void interrupt().catch(() => undefined)
    return { channel: 'control', type: 'interrupt_reply', content: { status: 'ok' } }
  }
  async function interrupt(): Promise<void> {
    waiting.abort()
    waiting = new AbortController()
    if (kernel.running.length > 0) await useTool('interrupt')
  }

  function close(): void {
    if (closed.signal.aborted) return
    broadcast(status('dead'), NOBODY)
    closed.abort()
    events.close()
    for (const socket of sockets) socket.close()
  }

  return {
    connect(socket) {
      sockets.add(socket)
      socket.on('message', (data, isBinary) => {
        const request = isBinary ? undefined : readRequest((data as Buffer).toString())
        if (request) void answer(socket, request)
      })
      socket.on('error', () => socket.terminate())
      socket.on('close', () => sockets.delete(socket))
    },
    // Never dead: see above.
    state: () => (running.size > 0 ? 'busy' : 'idle'),
    connections: () => sockets.size,
    interrupt,
    async restart() {
      isRestarting = true
      try {
        await useTool('restart_kernel')
      } finally {
        isRestarting = false
      }
    },
    close,
  }
}

const NOBODY = foreignHeader('kernel', 'system')

function nothingRun(count: number): Told {
  const content = { status: 'ok', execution_count: count, payload: [], user_expressions: {} }
  return { before: [], reply: { channel: 'shell', type: 'execute_reply', content } }
}

function aborted(): Told {
  return { before: [], reply: { channel: 'shell', type: 'execute_reply', content: { status: 'aborted' } } }
}

function tooLarge(): Said {
  const text = '[too large to be shown here; it is in the notebook]\n'
  return { channel: 'iopub', type: 'stream', content: { name: 'stderr', text } }
}

/** What an agent is told to do by a tool, a person does by the menu. */
function wordsOf(error: unknown): [name: string, words: string] {
  if (!(error instanceof SeerError)) return ['Error', describeError(error)]
  const how = 'All variables are lost, and nothing was run now.'
  if (error.code === 'kernel-dead')
    return ['KernelDead', `The kernel has died. ${how} Kernel > Restart Kernel starts another.`]
  if (error.code === 'kernel-restarted')
    return [
      'KernelRestarted',
      `Since your last cell somebody else has started the kernel anew. ${how} Run it again to go on.`,
    ]
  return ['Error', describeError(error)]
}
