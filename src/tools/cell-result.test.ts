import { expect, test, vi } from 'vitest'
import { record } from '../../test/fixtures/memory-host.ts'
import { keptEvents } from '../../test/fixtures/memory-run.ts'
import type { Connection } from '../channel/host-connection.ts'
import { journalRecordSchema } from '../channel/protocol.ts'
import { SeerError } from '../errors.ts'
import { Kernel } from '../kernel/kernel.ts'
import { emptyOutputs } from '../notebook/outputs.ts'
import { findCell, waitAndTell } from './cell-result.ts'
import type { CellFacts, Notebook } from './notebook.ts'

/** A notebook with one running cell, `c1`, that an interrupt ends. */
async function running() {
  const log = keptEvents()
  let status: CellFacts['status'] = 'running'
  let lateMessages = 0
  const end = (how: 'ok' | 'error' | 'stopped') => {
    status = how
    kernel.take(journalRecordSchema.parse(record(1, 'cell-end', { status: how })))
  }
  const request = (method: string) => {
    if (method === 'kernel/interrupt') end('error')
    return Promise.resolve(method === 'kernel/start' ? { generation: 1 } : {})
  }
  const config = { params: {}, seed: 0, models: [] }
  const kernel = new Kernel({
    connection: { request } as Connection,
    emit: log.emit,
    sandbox: 'sb',
    session: 's1',
    config,
  })
  await kernel.start()
  await kernel.execute('1', { by: 'agent:x' })
  const cell = (id: string): CellFacts | undefined =>
    id === 'c1'
      ? {
          kind: 'code',
          by: 'agent:x',
          source: '1',
          hidden: false,
          supersedes: null,
          supersededBy: null,
          removed: false,
          status,
          executionCount: 1,
          generation: 1,
          outputs: emptyOutputs(),
          lateMessages,
        }
      : undefined
  const not = () => Promise.reject(new Error('not here'))
  const notebook: Notebook = {
    kernel,
    cell,
    cells: () => ['c1'],
    begun: () => ['c1'],
    late: () => ['c1'],
    lateTold: new Map(),
    generationsKnown: new Map(),
    hasTool: () => false,
    readBlob: () => Buffer.of(),
    readOutput: not,
    readFile: not,
    writeFile: not,
    listFiles: () => ({ [Symbol.asyncIterator]: () => ({ next: not }) }),
    setUp: not,
  }
  const stop = new AbortController()
  const context = { emit: log.emit, by: 'agent:x' as const, signal: stop.signal, storeArtifact: () => '' }
  const printLate = () => void (lateMessages += 1)
  return { notebook, context, stop, end, log, printLate }
}

test('a cell that ends in time is told with its status', async () => {
  const { notebook, context, end } = await running()
  const told = waitAndTell(notebook, 'c1', context)
  end('ok')
  expect(await told).toEqual({
    content: [{ type: 'text', text: '[c1] ok. It printed nothing.' }],
    structured: { cell: 'c1', status: 'ok', execution_count: 1, generation: 1 },
  })
})

test('what a cell put out after its end is news once, and none where the cell itself is told', async () => {
  const { notebook, context, end, printLate } = await running()
  end('ok')
  printLate()
  const news = async () => {
    const { content } = await waitAndTell(
      { ...notebook, cell: (id) => notebook.cell(id === 'c2' ? 'c1' : id) },
      'c2',
      context,
    )
    return content.slice(1).map((block) => (block.type === 'text' ? block.text : ''))
  }
  expect(await news()).toEqual([
    '[After its end, c1 put out more, from a thread that goes on: read_output(cell="c1") shows it.]',
  ])
  expect(await news()).toEqual([])
  printLate()
  expect((await waitAndTell(notebook, 'c1', context)).content).toHaveLength(1)
  expect(await news()).toEqual([])
})

test('one that ended with a kernel that Seer ended is not told to have killed it', async () => {
  const { notebook, context, end } = await running()
  const told = waitAndTell(notebook, 'c1', context)
  end('stopped')
  expect(await told).toMatchObject({
    content: [{ text: expect.stringContaining('Seer ended the kernel while this cell ran') as string }],
    // As recordings know it.
    structured: { status: 'died' },
  })
})

test('one that does not is told to be running, and is left alone', async () => {
  const { notebook, context, log } = await running()
  const { structured, content } = await waitAndTell(notebook, 'c1', context, 5)
  expect(structured.status).toBe('running')
  expect(content[0]).toMatchObject({ text: expect.stringMatching(/still running.*wait_cell/) as string })
  expect(log.of('cell-interrupt')).toEqual([])
})

test('an abort of the call stops the cell, too', async () => {
  const { notebook, context, stop, log } = await running()
  const told = waitAndTell(notebook, 'c1', context)
  stop.abort()
  await expect(told).rejects.toMatchObject({ name: 'AbortError' })
  expect(log.of('cell-interrupt')).toMatchObject([{ cell: 'c1', by: 'system', how: 'message' }])
  expect(notebook.kernel.running).toEqual([])
})

test('an abort leaves alone what somebody else has running', async () => {
  const { notebook, context, stop, log } = await running()
  const told = waitAndTell(notebook, 'c1', { ...context, by: 'agent:other' })
  stop.abort()
  await expect(told).rejects.toMatchObject({ name: 'AbortError' })
  expect(log.of('cell-interrupt')).toEqual([])
  expect(notebook.kernel.running).toEqual(['c1'])
})

test('a sandbox that is lost in mid-cell ends the wait at once', async () => {
  const { notebook, context } = await running()
  const told = waitAndTell(notebook, 'c1', context)
  const lost = new SeerError('sandbox-lost', { message: 'gone', endsRun: true })
  setImmediate(() => notebook.kernel.lose(lost))
  await expect(told).rejects.toBe(lost)
})

test('a wait leaves no listener on the signal of the call', async () => {
  const { notebook, context } = await running()
  const added = vi.spyOn(context.signal, 'addEventListener')
  for (let i = 0; i < 20; i++) await waitAndTell(notebook, 'c1', context, 0)
  expect(added.mock.calls.length).toBe(0)
})

test('an unknown cell: the ones that there are', async () => {
  const { notebook, context } = await running()
  await expect(waitAndTell(notebook, 'C1', context)).rejects.toThrow(
    /no cell "C1"; did you mean "c1"\? The cells are: c1\./,
  )
  await expect(waitAndTell(notebook, 'last', context)).rejects.toThrow(/no cell "last"\. The cells are: c1\./)
})

test('an id that is no cell is said back in short, however long it and the notebook are, and at once', async () => {
  const { notebook, end } = await running()
  const cells = Array.from({ length: 5000 }, (_, n) => `c${n + 1}`)
  const began = performance.now()
  const found = () => findCell({ ...notebook, cells: () => cells }, 'x'.repeat(1_000_000))
  expect(found).toThrow(/^There is no cell "x{100}"\. The last cells are: c4901, [^]{500,700}, c5000\.$/)
  expect(performance.now() - began).toBeLessThan(2000)
  end('ok')
})
