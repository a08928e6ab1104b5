/**
 * Byte streams between Seer and the code in a sandbox, through the host: clients of a socket that lies there, and processes whose stdin
 * is one. All that they bring is read in one numbered list, one read at a time, as the journal is.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { SeerError } from '../errors.ts'
import type { Connection } from './host-connection.ts'
import { OpenStream, WAITS, type HostStream } from './host-stream.ts'
import type { Result } from './protocol.ts'

export type { HostStream } from './host-stream.ts'

const READ_BYTES = 768 * 1024
const WAIT_MS = 20_000

type Piece = Result<'stream/read'>['pieces'][number]
type OnOpen = (stream: HostStream) => void

export class HostStreams {
  readonly #connection: Connection
  readonly #waits: typeof WAITS
  readonly #listeners = new Map<string, OnOpen>()
  readonly #streams = new Map<string, OpenStream>()
  readonly #stop = new AbortController()
  /** The number of the last piece that was taken. */
  #last: number | undefined
  #isReading = false
  #why: SeerError | undefined

  constructor(connection: Connection, waits = WAITS) {
    this.#connection = connection
    this.#waits = waits
  }

  /** Where code in the sandbox can connect from now on, and what is told of each that does. Once more is as once. */
  async listen(listener: string, onOpen: OnOpen): Promise<{ path: string }> {
    this.#check()
    const before = this.#listeners.get(listener)
    this.#listeners.set(listener, onOpen)
    this.#read()
    try {
      return await this.#connection.request('stream/listen', { listener }, this.#stop.signal)
    } catch (error) {
      if (before) this.#listeners.set(listener, before)
      else this.#listeners.delete(listener)
      throw error
    }
  }

  /** Ends all who came in there, too. */
  async unlisten(listener: string): Promise<void> {
    if (this.#why) return
    await this.#connection.request('stream/unlisten', { listener }, this.#stop.signal)
    this.#listeners.delete(listener)
  }

  /** Of a process that is started with `stream`. To be asked for before that, or it may have said something already. */
  process(id: string): HostStream {
    this.#check()
    this.#read()
    return this.#add(`p:${id}`)
  }

  /** Nothing comes or goes any more. */
  stop(why: SeerError): void {
    if (this.#why) return
    this.#why = why
    this.#stop.abort(why)
    for (const stream of this.#streams.values()) stream.stop(why)
    this.#streams.clear()
    this.#listeners.clear()
  }

  #check(): void {
    if (this.#why) throw this.#why
  }

  #add(connection: string): OpenStream {
    const forget = () => this.#streams.delete(connection)
    const stream = new OpenStream(this.#connection, connection, forget, this.#waits)
    this.#streams.set(connection, stream)
    return stream
  }

  #read(): void {
    if (this.#isReading) return
    this.#isReading = true
    this.#readOn().catch((error: unknown) => this.stop(error instanceof SeerError ? error : broken(String(error))))
  }

  async #readOn(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      const params = { after: this.#last ?? 0, maxBytes: READ_BYTES, waitMs: WAIT_MS }
      const { pieces } = await this.#connection.request('stream/read', params, this.#stop.signal)
      for (const piece of pieces) this.#take(piece)
      // Who answers at once goes first.
      await turn()
    }
  }

  #take(piece: Piece): void {
    const { n, connection, kind } = piece
    // Those before the first are of another process, that had the sandbox before.
    const next = (this.#last ?? n - 1) + 1
    if (n !== next) throw broken(`piece ${n} where ${next} was to come`)
    this.#last = n
    const stream = this.#streams.get(connection)
    if (kind === 'open') this.#open(connection, piece.listener)
    else if (kind === 'end') {
      stream?.end()
      this.#streams.delete(connection)
    } else if (stream) stream.take(Buffer.from(piece.base64 ?? '', 'base64'))
    else this.#refuse(connection)
  }

  #open(connection: string, listener = ''): void {
    const onOpen = this.#listeners.get(listener)
    if (!onOpen || this.#streams.has(connection)) return this.#refuse(connection)
    const stream = this.#add(connection)
    try {
      onOpen(stream)
    } catch {
      // That of one is not the end of all.
      stream.close()
    }
  }

  #refuse(connection: string): void {
    this.#connection.request('stream/close', { connection }, this.#stop.signal).catch(() => undefined)
  }
}

function broken(what: string): SeerError {
  return new SeerError('streams-broken', {
    message: `The sandbox's host sent streams that cannot be read: ${what}.`,
    hint: 'This is a fault of Seer or of the machine. Everything received so far is in the run folder.',
  })
}
