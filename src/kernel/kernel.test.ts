import { expect, test, vi } from 'vitest'
import { record } from '../../test/fixtures/memory-host.ts'
import { keptEvents } from '../../test/fixtures/memory-run.ts'
import type { Connection } from '../channel/host-connection.ts'
import { journalRecordSchema } from '../channel/protocol.ts'
import { SeerError } from '../errors.ts'
import { Kernel } from './kernel.ts'

const LADDER = [
  { how: 'message', waitMs: 20 },
  { how: 'signal', waitMs: 20 },
  { how: 'signal', waitMs: 20 },
] as const
type Call = { method: string; params: { generation?: number; cell?: string; how?: string } }

function newKernel(answer: (call: Call) => unknown = () => undefined) {
  const calls: Call[] = []
  const request = async (method: string, params: object) => {
    const call = { method, params }
    calls.push(call)
    const given = await answer(call)
    if (given !== undefined) return given
    return method === 'kernel/start'
      ? { session: 's1', generation: call.params['generation' as never], pid: 1, connectionFile: 'f', workdir: 'w' }
      : { known: false }
  }
  const log = keptEvents()
  const config = { params: {}, seed: 0, models: [] }
  const kernel = new Kernel({
    connection: { request } as Connection,
    emit: log.emit,
    sandbox: 'sb',
    session: 's1',
    config,
    ladder: LADDER,
  })
  const take = (kind: 'cell-end' | 'kernel-dead', more: object) =>
    kernel.take(journalRecordSchema.parse(record(9, kind, more)))
  return { kernel, calls, log, take }
}
const by = { by: 'agent:x' } as const

test('a cell has its start in the log before it is sent, and ends when the journal says so', async () => {
  const whenSent: string[][] = []
  const { kernel, log, take } = newKernel(({ method }) => {
    if (method === 'kernel/execute') whenSent.push(log.types())
  })
  await kernel.start()
  const { cell, ended } = await kernel.execute('1+1', { ...by, supersedes: 'c0' })
  expect(whenSent).toEqual([['cell-start']])
  expect(log.events).toMatchObject([
    {
      type: 'cell-start',
      by: 'agent:x',
      session: 's1',
      sandbox: 'sb',
      cell: 'c1',
      code: '1+1',
      hidden: false,
      supersedes: 'c0',
    },
  ])
  expect([cell, kernel.running, kernel.authorOf('c1'), kernel.authorOf('c7')]).toEqual([
    'c1',
    ['c1'],
    'agent:x',
    'system',
  ])
  take('cell-end', { status: 'error', executionCount: 4 })
  expect(await ended).toEqual({ status: 'error', executionCount: 4, durationMs: 5 })
  expect(kernel.running).toEqual([])
})

test('an id is never used again: not by text cells, failures or the next generation', async () => {
  let refuse = false
  const { kernel, calls } = newKernel(({ method }) => {
    if (refuse && method === 'kernel/execute') throw new SeerError('host-disk-full', { message: 'full' })
  })
  await kernel.start()
  await kernel.execute('1', by)
  expect(kernel.takeCellId()).toBe('c2')
  refuse = true
  await expect(kernel.execute('2', by)).rejects.toMatchObject({ code: 'host-disk-full' })
  refuse = false
  await kernel.start()
  await kernel.execute('3', by)
  expect(
    calls.flatMap(({ method, params }) => (method === 'kernel/execute' ? [[params.generation, params.cell]] : [])),
  ).toEqual([
    [1, 'c1'],
    [1, 'c3'],
    [2, 'c4'],
  ])
})

test('a cell that could not be sent has an end, for whoever waits for it', async () => {
  const refused = Promise.withResolvers<undefined>()
  const { kernel, log } = newKernel(({ method }) => (method === 'kernel/execute' ? refused.promise : undefined))
  await kernel.start()
  const executing = kernel.execute('1', by)
  executing.catch(() => undefined)
  await vi.waitFor(() => expect(kernel.running).toEqual(['c1']))
  const settled = kernel.settle(new AbortController().signal)
  refused.reject(new SeerError('host-error', { message: 'no' }))
  await expect(executing).rejects.toMatchObject({ code: 'host-error' })
  await settled
  expect(log.of('cell-end')).toMatchObject([{ cell: 'c1', by: 'system', status: 'unknown' }])
})

test('death: told with its reason, refused until the restart, and only of the generation that died', async () => {
  const { kernel, take } = newKernel()
  await kernel.start()
  const { ended } = await kernel.execute('1', by)
  take('cell-end', { status: 'died', executionCount: null })
  take('kernel-dead', {})
  expect(await ended).toMatchObject({ status: 'died' })
  expect(kernel.death).toBe('killed by SIGKILL')
  await expect(kernel.execute('2', by)).rejects.toMatchObject({
    code: 'kernel-dead',
    message: expect.stringMatching(/killed by SIGKILL.*variables are lost/),
  })
  await kernel.start()
  expect([kernel.generation, kernel.death]).toEqual([2, undefined])
  take('kernel-dead', { generation: 1 })
  await kernel.execute('3', by)
})

test('a kernel that dies before its start is answered is known to be dead', async () => {
  const { kernel, take } = newKernel(({ method }) => {
    if (method === 'kernel/start') take('kernel-dead', { generation: 1, signal: null, exitCode: 3 })
  })
  await kernel.start()
  expect(kernel.death).toBe('exit code 3')
})

test.each(['kernel-gone', 'stale-generation'])('the host says %s: the agent is told to restart', async (code) => {
  const { kernel } = newKernel(({ method }) => {
    if (method === 'kernel/execute') throw new SeerError(code, { message: 'raw' })
  })
  await kernel.start()
  await expect(kernel.execute('1', by)).rejects.toMatchObject({
    code: 'kernel-dead',
    hint: expect.stringContaining('restart_kernel'),
  })
})

test('two restarts at once are one; a cell that comes during it waits for the new kernel', async () => {
  const slow = Promise.withResolvers<undefined>()
  const { kernel, calls } = newKernel(({ params }) => (params.generation === 2 ? slow.promise : undefined))
  await kernel.start()
  const starts = [kernel.start(), kernel.start()]
  const cell = kernel.execute('1', by)
  slow.resolve(undefined)
  await Promise.all([...starts, cell])
  expect(calls.map(({ method, params }) => [method, params.generation])).toEqual([
    ['kernel/start', 1],
    ['kernel/start', 2],
    ['kernel/execute', 2],
  ])
})

test.each([
  ['the message', 1, true],
  ['the second signal', 3, true],
  ['nothing', 4, false],
])('the interrupt ladder: a cell that %s stops', async (_, rung, stopped) => {
  let asked = 0
  const { kernel, calls, log, take } = newKernel(({ method }) => {
    if (method === 'kernel/interrupt' && ++asked === rung) take('cell-end', { status: 'error' })
  })
  await kernel.start()
  await kernel.execute('while True: pass', by)
  expect(await kernel.interrupt('researcher')).toBe(stopped)
  const asks = calls.filter(({ method }) => method === 'kernel/interrupt')
  expect(asks.map(({ params }) => params.cell)).toEqual(asks.map(() => 'c1'))
  const hows = calls.flatMap(({ params }) => params.how ?? [])
  expect(hows).toEqual(['message', 'signal', 'signal'].slice(0, rung))
  expect(log.of('cell-interrupt')).toMatchObject(hows.map((how) => ({ how, cell: 'c1', by: 'researcher' })))
  expect(kernel.running).toEqual(stopped ? [] : ['c1'])
  if (!stopped) take('cell-end', {})
  expect(await kernel.interrupt('researcher')).toBe(true)
})

test('a cell that comes while another is interrupted waits for that, since it would be thrown away', async () => {
  const { kernel, calls, take } = newKernel()
  await kernel.start()
  await kernel.execute('1', by)
  const interrupted = kernel.interrupt('agent:x')
  const next = kernel.execute('2', by)
  await new Promise((resolve) => setTimeout(resolve, 5))
  expect(calls.map(({ method }) => method)).toEqual(['kernel/start', 'kernel/execute', 'kernel/interrupt'])
  take('cell-end', { status: 'error' })
  expect(await interrupted).toBe(true)
  expect((await next).cell).toBe('c2')
})

test('ending it is asked of the host once it has started, and not of one that never was', async () => {
  const { kernel, calls } = newKernel()
  await kernel.stop()
  expect(calls).toEqual([])
  const starting = kernel.start()
  await kernel.stop()
  await starting
  expect(calls.map(({ method, params }) => [method, params.generation])).toEqual([
    ['kernel/start', 1],
    ['kernel/stop', 1],
  ])
})

test('lost: running cells fail, new ones are refused, whoever settles hears of it', async () => {
  const { kernel } = newKernel()
  await kernel.start()
  const { ended } = await kernel.execute('1', by)
  const settled = kernel.settle(new AbortController().signal)
  const lost = new SeerError('sandbox-lost', { message: 'gone', endsRun: true })
  kernel.lose(lost)
  await expect(ended).rejects.toBe(lost)
  await expect(settled).rejects.toBe(lost)
  await expect(kernel.execute('2', by)).rejects.toBe(lost)
  await expect(kernel.start()).rejects.toBe(lost)
})

test('settle ends with its signal, and leaves no listener', async () => {
  const { kernel, take } = newKernel()
  await kernel.start()
  await kernel.execute('1', by)
  const stop = new AbortController()
  const removed = vi.spyOn(stop.signal, 'removeEventListener')
  const settled = kernel.settle(stop.signal)
  stop.abort(new Error('enough'))
  await expect(settled).rejects.toThrow('enough')
  expect(removed).toHaveBeenCalled()
  take('cell-end', {})
  await kernel.settle(new AbortController().signal)
})
