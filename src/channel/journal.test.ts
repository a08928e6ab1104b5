import { createHash } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { keptEvents } from '../../test/fixtures/memory-run.ts'
import { blobOf, memoryHost, output, record, sinkOf } from '../../test/fixtures/memory-host.ts'
import { SeerError } from '../errors.ts'
import { Journal, type JournalListener } from './journal.ts'

const gone = new SeerError('sandbox-terminated', { message: 'gone', endsRun: true })
const listener = (take: JournalListener['take'] = () => undefined) => ({
  take,
  authorOf: () => 'agent:x' as const,
  lose: vi.fn<(error: unknown) => void>(),
})
const shape = (events: readonly object[]) =>
  events.map((event) =>
    'output' in event ? JSON.stringify(event.output).match(/"text":"(\w+)"/)?.[1] : (event as { type: string }).type,
  )

test('records become events in their order, across as many reads as it takes', async () => {
  const log = keptEvents()
  const host = memoryHost([record(1, 'kernel-ready'), output(2, 'a'), output(3, 'b'), record(4, 'cell-end')], {
    perRead: 2,
  })
  await new Journal(host, sinkOf(log)).drain()
  expect(shape(log.events)).toEqual(['kernel-start', 'a', 'b', 'cell-end'])
  expect(log.events.map(({ kernel }) => kernel?.seq)).toEqual([1, 2, 3, 4])
  expect(host.reads).toEqual([0, 2, 4])
})

test('a log that holds a record’s first event but not its second is given the second, once', async () => {
  const log = keptEvents()
  const row = output(2, 'a', { 'application/vnd.seer.record+json': { table: 't', row: { x: 1 } } })
  const host = memoryHost([output(1, 'x'), row, output(3, 'b')])
  await new Journal(host, sinkOf(log), { seq: 2, types: new Set(['cell-output']) }).drain()
  expect(shape(log.events)).toEqual(['result-record', 'b'])
})

test('a log that holds a record whole is not given it again, whatever the host sends', async () => {
  const log = keptEvents()
  const host = memoryHost([output(1, 'a'), output(2, 'b')], { ignoresAfter: true })
  await new Journal(host, sinkOf(log), { seq: 1, types: new Set() }).drain()
  expect(shape(log.events)).toEqual(['b'])
})

test('missing numbers are told, with how many', async () => {
  const log = keptEvents()
  await new Journal(memoryHost([output(1, 'a'), output(5, 'b')]), sinkOf(log)).drain()
  expect(log.events).toMatchObject([
    { type: 'cell-output' },
    { type: 'output-lost', sandbox: 'sb-1', reason: 'gap', messages: 3 },
    { type: 'cell-output' },
  ])
})

test('an output that is not valid is counted for its cell, and the next one comes through', async () => {
  const log = keptEvents()
  const bad = { ...output(2, 'x'), output: { output_type: 'script' } }
  await new Journal(memoryHost([output(1, 'a'), bad, output(3, 'b')]), sinkOf(log)).drain()
  expect(shape(log.events)).toEqual(['a', 'output-lost', 'b'])
  expect(log.of('output-lost')).toMatchObject([
    { reason: 'invalid', messages: 1, cell: 'c1', session: 's1', kernel: { generation: 1, seq: 2 } },
  ])
})

test('the state of a widget: its values are fetched before it is told, and one that is not valid is counted', async () => {
  const log = keptEvents()
  const bytes = Buffer.from('a large value')
  const data = { blob: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length, encoding: 'text' }
  const widget = (seq: number, state: unknown) => ({
    ...output(seq, ''),
    kind: 'widget',
    model: 'm1',
    widget: { state, buffers: [{ path: ['value'], data }] },
  })
  const host = memoryHost([widget(1, { value: data }), widget(2, 'no object'), output(3, 'b')], { blobs: [bytes] })
  const sink = sinkOf(log)
  await new Journal(host, sink).drain()
  expect(shape(log.events)).toEqual(['widget-update', 'output-lost', 'b'])
  expect(log.of('widget-update')).toMatchObject([{ cell: 'c1', model: 'm1', widget: { state: { value: data } } }])
  expect([...sink.stored.keys()]).toEqual([data.blob])
})

test.each([
  ['not an object', 'garbage'],
  ['without a number', { ...output(1, 'a'), seq: undefined, output: null }],
  ['the end of a cell that cannot be read', { ...record(2, 'cell-end'), status: 'fine' }],
])('a record that is %s ends the run: nobody would ever hear how a cell ended', async (_, bad) => {
  const journal = new Journal(memoryHost([record(1, 'kernel-ready'), bad]), sinkOf(keptEvents()))
  const kernel = listener()
  journal.listen('s1', kernel)
  await expect(journal.start()).rejects.toMatchObject({ code: 'journal-broken', endsRun: true })
  expect(kernel.lose).toHaveBeenCalledWith(expect.objectContaining({ code: 'journal-broken' }))
})

test('a listener hears of a cell’s end when it is in the log, and on the disk', async () => {
  const log = keptEvents()
  const order: string[] = []
  const sink = {
    ...sinkOf(log),
    sync: () =>
      new Promise<void>((done) => setTimeout(() => done(void order.push(`sync after ${log.events.length}`)), 5)),
  }
  const journal = new Journal(memoryHost([output(1, 'a'), record(2, 'cell-end')]), sink)
  journal.listen(
    's1',
    listener(({ kind }) => void order.push(kind)),
  )
  await journal.drain()
  expect(order).toEqual(['sync after 2', 'output', 'cell-end'])
})

test('two sessions in one sandbox: each hears of its own', async () => {
  const journal = new Journal(memoryHost([output(1, 'a'), { ...output(2, 'b'), session: 's2' }]), sinkOf(keptEvents()))
  const heard = { s1: [] as number[], s2: [] as number[] }
  for (const session of ['s1', 's2'] as const)
    journal.listen(
      session,
      listener(({ seq }) => void heard[session].push(seq)),
    )
  await journal.drain()
  expect(heard).toEqual({ s1: [1], s2: [2] })
})

test('a large value is fetched in parts, checked by its hash, and stored before the event that names it', async () => {
  const bytes = Buffer.alloc(1_200_000, 'seer')
  const log = keptEvents()
  const sink = sinkOf(log)
  const host = memoryHost([blobOf(1, bytes), blobOf(2, bytes)], { blobs: [bytes] })
  const journal = new Journal(host, { ...sink, emit: (event) => (expect(sink.stored.size).toBe(1), log.emit(event)) })
  await journal.drain()
  expect([...sink.stored.values()]).toEqual([bytes])
  expect(host.blobReads).toEqual([524_288, 524_288, 151_424])
})

test.each([
  ['other bytes', Buffer.alloc(1000, 'x'), /hash/],
  ['too few bytes', Buffer.alloc(999, 'a'), /999 bytes long/],
])('a damaged value (%s) is not stored, and ends the run', async (_, damaged, why) => {
  const sha256 = createHash('sha256').update(Buffer.alloc(1000, 'a')).digest('hex')
  const sink = sinkOf(keptEvents())
  const host = memoryHost([blobOf(1, Buffer.alloc(1000, 'a'))], { blobs: [damaged], named: sha256 })
  await expect(new Journal(host, sink).drain()).rejects.toMatchObject({
    code: 'blob-broken',
    endsRun: true,
    message: expect.stringMatching(why),
  })
  expect(sink.stored.size).toBe(0)
})

test('a log that cannot be written: what was in it is told, then the listener hears that all is lost', async () => {
  const log = keptEvents()
  const full = new SeerError('log-write-failed', { message: 'full', endsRun: true })
  const emit: typeof log.emit = (event) => {
    if (log.events.length === 2) throw full
    return log.emit(event)
  }
  const taken: string[] = []
  const kernel = listener(({ kind }) => void taken.push(kind))
  const journal = new Journal(memoryHost([output(1, 'a'), record(2, 'cell-end'), output(3, 'b')]), {
    ...sinkOf(log),
    emit,
  })
  journal.listen('s1', kernel)
  await expect(journal.start()).rejects.toBe(full)
  expect(taken).toEqual(['output', 'cell-end'])
  expect(kernel.lose).toHaveBeenCalledExactlyOnceWith(full)
})

test('stop ends the outstanding read; finish takes the rest from elsewhere and tells that it was the last', async () => {
  const log = keptEvents()
  const live = memoryHost([output(1, 'a')], { waits: true })
  const journal = new Journal(live, sinkOf(log))
  const kernel = listener()
  journal.listen('s1', kernel)
  const reading = journal.start()
  await vi.waitFor(() => expect(live.reads).toEqual([0, 1]))
  await journal.finish(memoryHost([output(1, 'a'), output(2, 'b')]), gone)
  await reading
  expect(shape(log.events)).toEqual(['a', 'b'])
  expect(kernel.lose).toHaveBeenCalledExactlyOnceWith(gone)
})

test('what is waited for: up to a record, in the log and heard of; or why none will come', async () => {
  const log = keptEvents()
  const heard: number[] = []
  const host = memoryHost([output(1, 'a'), output(2, 'b'), output(3, 'c')], { perRead: 1 })
  const journal = new Journal(host, sinkOf(log))
  journal.listen(
    's1',
    listener(({ seq }) => void heard.push(seq)),
  )
  await journal.reached(0)
  const second = journal.reached(2).then(() => [log.events.length, heard.length])
  await journal.drain(host, 2)
  expect([await second, journal.readSeq]).toEqual([[2, 2], 2])
  const never = journal.reached(9)
  await Promise.all([expect(never).rejects.toBe(gone), journal.finish(host, gone, 2)])
  expect(journal.readSeq).toBe(2)
  await expect(journal.reached(3)).rejects.toBe(gone)
})
