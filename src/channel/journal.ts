/**
 * Reads a sandbox's journal into the run's event log: the one way in which output arrives. One read is outstanding at a time;
 * the next one is sent when the records of the last are in the log, so nothing is ever held that is not yet written.
 */
import { isAbort, SeerError } from '../errors.ts'
import { blobsOf, type BlobRef } from '../notebook/nbformat.ts'
import type { By, Emit, EventInput } from '../run/events.ts'
import type { Connection } from './host-connection.ts'
import { journalRecordSchema, MAX_CHUNK_BYTES, type JournalRecord } from './protocol.ts'

const READ_BYTES = 768 * 1024
const WAIT_MS = 20_000

export interface JournalSink {
  readonly emit: Emit
  readonly sync: () => Promise<void>
  readonly hasArtifact: (sha256: string) => boolean
  readonly storeArtifact: (bytes: Uint8Array) => string
  /** Events of one record, in order. May do more work first, such as copying a saved file. */
  readonly eventsOf: (record: JournalRecord) => Promise<EventInput[]>
}

/** A kernel, as its journal sees it. */
export interface JournalListener {
  /** Called for each record of the session, after its events are in the log (and a cell's end on the disk). */
  take(record: JournalRecord): void
  authorOf(cell: string): By
  /** The journal has ended with this error: no record will come any more. */
  lose(error: unknown): void
}

/** Where a log stands in a journal: the last record that it holds, and which of that record's events were written. */
export interface JournalPosition {
  readonly seq: number
  readonly types: ReadonlySet<string>
}

export class Journal {
  readonly #connection: Connection
  readonly #sink: JournalSink
  readonly #listeners = new Map<string, JournalListener>()
  readonly #stop = new AbortController()
  #position: JournalPosition
  #reading: Promise<void> | undefined

  constructor(connection: Connection, sink: JournalSink, position: JournalPosition = { seq: 0, types: new Set() }) {
    this.#connection = connection
    this.#sink = sink
    this.#position = position
  }

  listen(session: string, listener: JournalListener): void {
    this.#listeners.set(session, listener)
  }

  authorOf(session: string, cell: string): By {
    return this.#listeners.get(session)?.authorOf(cell) ?? 'system'
  }

  /** Reads until {@link stop}. The promise rejects when the sandbox or the log is lost. */
  start(): Promise<void> {
    this.#reading ??= this.#readOn()
    return this.#reading
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#reading?.catch(() => undefined)
  }

  /** Reads what is there now, and no further. */
  async drain(): Promise<void> {
    while (await this.#readOnce(0));
  }

  async #readOn(): Promise<void> {
    try {
      while (!this.#stop.signal.aborted) await this.#readOnce(WAIT_MS)
    } catch (error) {
      if (this.#stop.signal.aborted && (isAbort(error) || isClosed(error))) return
      for (const listener of this.#listeners.values()) listener.lose(error)
      throw error
    }
  }

  async #readOnce(waitMs: number): Promise<boolean> {
    // A record whose events were only partly written is read again.
    const after = this.#position.types.size > 0 ? this.#position.seq - 1 : this.#position.seq
    const params = { after, maxBytes: READ_BYTES, waitMs }
    const { records } = await this.#connection.request('journal/read', params, this.#stop.signal)
    const taken: JournalRecord[] = []
    for (const record of records) {
      const parsed = journalRecordSchema.safeParse(record)
      if (parsed.success) {
        await this.#take(parsed.data)
        taken.push(parsed.data)
      } else this.#refuse(record)
    }
    if (taken.some(({ kind }) => kind === 'cell-end' || kind === 'kernel-dead')) await this.#sink.sync()
    for (const record of taken) this.#listeners.get(record.session)?.take(record)
    return records.length > 0
  }

  async #take(record: JournalRecord): Promise<void> {
    const written = record.seq === this.#position.seq ? this.#position.types : new Set<string>()
    if (record.seq < this.#position.seq) return
    const missing = record.seq - this.#position.seq - 1
    if (missing > 0) this.#sink.emit({ type: 'output-lost', by: 'system', reason: 'gap', messages: missing, bytes: 0 })
    if (record.kind === 'output') for (const blob of blobsOf(record.output)) await this.#fetchBlob(blob)
    for (const event of await this.#sink.eventsOf(record)) if (!written.has(event.type)) this.#sink.emit(event)
    this.#position = { seq: record.seq, types: new Set() }
  }

  /** A record that does not fit the schema is counted, never passed on and never silent. */
  #refuse(record: unknown): void {
    const seq = typeof record === 'object' && record !== null && 'seq' in record ? record.seq : undefined
    if (typeof seq !== 'number' || seq <= this.#position.seq) {
      throw new SeerError('journal-broken', {
        message: 'The sandbox sent a record without a valid number.',
        hint: 'This is a fault of Seer or of the machine. Everything received so far is in the run folder.',
        endsRun: true,
      })
    }
    this.#position = { seq, types: new Set() }
    this.#sink.emit({ type: 'output-lost', by: 'system', reason: 'invalid', messages: 1, bytes: JSON.stringify(record).length })
  }

  async #fetchBlob(blob: BlobRef): Promise<void> {
    if (this.#sink.hasArtifact(blob.blob)) return
    const bytes = Buffer.alloc(blob.bytes)
    for (let offset = 0; offset < blob.bytes; ) {
      const length = Math.min(MAX_CHUNK_BYTES, blob.bytes - offset)
      const { base64 } = await this.#connection.request('blob/read', { sha256: blob.blob, offset, length })
      const chunk = Buffer.from(base64, 'base64')
      if (chunk.length !== length) throw brokenBlob(blob, `its part at ${offset} is ${chunk.length} bytes long, not ${length}`)
      chunk.copy(bytes, offset)
      offset += length
    }
    const sha256 = this.#sink.storeArtifact(bytes)
    if (sha256 !== blob.blob) throw brokenBlob(blob, `its bytes hash to ${sha256}`)
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof SeerError && error.code === 'channel-closed'
}

function brokenBlob(blob: BlobRef, why: string): SeerError {
  return new SeerError('blob-broken', { message: `The sandbox sent a damaged value (${blob.blob}): ${why}.`, endsRun: true })
}

