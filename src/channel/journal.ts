/**
 * Reads a sandbox's journal into the run's event log: the one way in which output arrives. One read is outstanding at a time;
 * the next one is sent when the records of the last are in the log, so nothing is ever held that is not yet written.
 */
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { isAbort, SeerError } from '../errors.ts'
import { blobsOf, blobsOfWidget, type BlobRef } from '../notebook/nbformat.ts'
import type { By, Emit, EventInput } from '../run/events.ts'
import type { Connection } from './host-connection.ts'
import { journalRecordSchema, type JournalRecord } from './protocol.ts'
import { MAX_CHUNK_BYTES } from './protocol-parts.ts'

const READ_BYTES = 768 * 1024
const WAIT_MS = 20_000
/** What can be read of a record that is not valid. */
const placeSchema = z.object({
  seq: z.int().positive(),
  session: z.string(),
  generation: z.int().positive(),
  kind: z.enum(['output', 'widget']),
  cell: z.string(),
})

export interface JournalSink {
  readonly sandbox: string
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
  #isFinishing = false
  /** All records up to this one are in the log, and their listeners have heard of them. */
  #told: number
  #lostBy: { why: unknown } | undefined
  #progress = Promise.withResolvers<undefined>()

  constructor(connection: Connection, sink: JournalSink, position: JournalPosition = { seq: 0, types: new Set() }) {
    this.#connection = connection
    this.#sink = sink
    this.#position = position
    this.#told = position.seq
  }

  /** The last record that the log has. */
  get readSeq(): number {
    return this.#position.seq
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

  /** Resolves when what came up to this record is in the log and was heard of. Rejects when the sandbox or the log is lost. */
  async reached(seq: number): Promise<void> {
    // Else a script that waits for this and nothing else would end before it.
    const keepAlive = setInterval(() => undefined, WAIT_MS)
    try {
      while (this.#told < seq) {
        if (this.#lostBy) throw this.#lostBy.why
        await this.#progress.promise
      }
    } finally {
      clearInterval(keepAlive)
    }
  }

  /** Reads what is there up to a record, and not much further. Without one, of a sandbox that still prints, this may have no end. */
  async drain(from: Connection = this.#connection, upTo = Infinity): Promise<void> {
    while (this.#position.seq < upTo && (await this.#readOnce(from, 0)));
  }

  /** Stops, takes what is left from `rest` into the log, and tells whoever still waits for a record why none will come. */
  async finish(rest: Connection, why: SeerError, upTo?: number): Promise<void> {
    await this.stop()
    this.#isFinishing = true
    try {
      await this.drain(rest, upTo)
    } finally {
      this.#lose(why)
    }
  }

  #tellProgress(): void {
    this.#progress.resolve(undefined)
    this.#progress = Promise.withResolvers()
  }

  #lose(why: unknown): void {
    this.#lostBy ??= { why }
    this.#tellProgress()
    for (const listener of this.#listeners.values()) listener.lose(why)
  }

  async #readOn(): Promise<void> {
    try {
      while (!this.#stop.signal.aborted) await this.#readOnce(this.#connection, WAIT_MS, this.#stop.signal)
    } catch (error) {
      if (this.#stop.signal.aborted && (isAbort(error) || isClosed(error))) return
      this.#lose(error)
      throw error
    }
  }

  async #readOnce(from: Connection, waitMs: number, signal?: AbortSignal): Promise<boolean> {
    // A record whose events were only partly written is read again.
    const after = this.#position.types.size > 0 ? this.#position.seq - 1 : this.#position.seq
    const { records } = await from.request('journal/read', { after, maxBytes: READ_BYTES, waitMs }, signal)
    const taken: JournalRecord[] = []
    try {
      for (const record of records) {
        const parsed = journalRecordSchema.safeParse(record)
        if (!parsed.success) this.#refuse(record)
        else if (await this.#take(from, parsed.data, signal)) taken.push(parsed.data)
      }
    } finally {
      // Also when a later record has failed: these are in the log.
      if (taken.some(({ kind }) => kind === 'cell-end' || kind === 'kernel-dead')) await this.#sink.sync()
      if (!this.#isFinishing) for (const record of taken) this.#listeners.get(record.session)?.take(record)
      this.#told = this.#position.seq
      this.#tellProgress()
    }
    return records.length > 0
  }

  /** False for a record that the log has already. */
  async #take(from: Connection, record: JournalRecord, signal: AbortSignal | undefined): Promise<boolean> {
    const { seq, types } = this.#position
    const isPartlyWritten = record.seq === seq && types.size > 0
    if (record.seq <= seq && !isPartlyWritten) return false
    if (record.seq > seq + 1) this.#emitLost('gap', record.seq - seq - 1, 0)
    for (const blob of blobsIn(record)) await this.#fetchBlob(from, blob, signal)
    for (const event of await this.#sink.eventsOf(record))
      if (!isPartlyWritten || !types.has(event.type)) this.#sink.emit(event)
    this.#position = { seq: record.seq, types: new Set() }
    return true
  }

  /** An output that does not fit the schema is counted, never passed on and never silent. Anything else must fit. */
  #refuse(record: unknown): void {
    const place = placeSchema.safeParse(record)
    if (!place.success || place.data.seq <= this.#position.seq) {
      throw new SeerError('journal-broken', {
        message: 'The sandbox sent a record that cannot be read.',
        hint: 'This is a fault of Seer or of the machine. Everything received so far is in the run folder.',
        endsRun: true,
      })
    }
    const { seq, session, generation, cell } = place.data
    this.#emitLost('invalid', 1, JSON.stringify(record).length, { session, cell, kernel: { generation, seq } })
    this.#position = { seq, types: new Set() }
  }

  #emitLost(
    reason: 'gap' | 'invalid',
    messages: number,
    bytes: number,
    place: Pick<EventInput, 'session' | 'cell' | 'kernel'> = {},
  ): void {
    this.#sink.emit({
      type: 'output-lost',
      by: 'system',
      sandbox: this.#sink.sandbox,
      ...place,
      reason,
      messages,
      bytes,
    })
  }

  async #fetchBlob(from: Connection, blob: BlobRef, signal: AbortSignal | undefined): Promise<void> {
    if (this.#sink.hasArtifact(blob.blob)) return
    const parts: Buffer[] = []
    for (let offset = 0; offset < blob.bytes;) {
      const length = Math.min(MAX_CHUNK_BYTES, blob.bytes - offset)
      const { base64 } = await from.request('blob/read', { sha256: blob.blob, offset, length }, signal)
      const chunk = Buffer.from(base64, 'base64')
      if (chunk.length !== length)
        throw brokenBlob(blob, `its part at ${offset} is ${chunk.length} bytes long, not ${length}`)
      parts.push(chunk)
      offset += length
    }
    const bytes = Buffer.concat(parts)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    if (sha256 !== blob.blob) throw brokenBlob(blob, `its bytes hash to ${sha256}`)
    this.#sink.storeArtifact(bytes)
  }
}

function blobsIn(record: JournalRecord): BlobRef[] {
  if (record.kind === 'output') return blobsOf(record.output)
  return record.kind === 'widget' ? blobsOfWidget(record.widget) : []
}

function isClosed(error: unknown): boolean {
  return error instanceof SeerError && error.code === 'sandbox-terminated'
}

function brokenBlob(blob: BlobRef, why: string): SeerError {
  return new SeerError('blob-broken', {
    message: `The sandbox sent a damaged value (${blob.blob}): ${why}.`,
    endsRun: true,
  })
}
