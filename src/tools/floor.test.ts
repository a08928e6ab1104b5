import { expect, test, vi } from 'vitest'
import type { By } from '../run/events.ts'
import { openFloor } from './floor.ts'

const [A, B, C]: By[] = ['agent:a', 'agent:b', 'agent:c']
const never = new AbortController().signal

/** A kernel whose cells end when they are told to. */
function queue() {
  const cells = new Map<string, { by: By; end: PromiseWithResolvers<never> }>()
  return {
    get running() {
      return [...cells.keys()]
    },
    authorOf: (cell: string) => cells.get(cell)!.by,
    ended: (cell: string) => cells.get(cell)?.end.promise,
    start: (cell: string, by: By) => void cells.set(cell, { by, end: Promise.withResolvers() }),
    end(cell: string) {
      cells.get(cell)!.end.resolve(undefined as never)
      cells.delete(cell)
    },
  }
}

/** Whether it has come by now. */
async function state(promise: Promise<unknown>): Promise<'waits' | 'came' | 'failed'> {
  const soon = new Promise<'waits'>((resolve) => setImmediate(resolve, 'waits'))
  return Promise.race([
    promise.then(
      () => 'came' as const,
      () => 'failed' as const,
    ),
    soon,
  ])
}

test('one author alone is never kept waiting', async () => {
  const kernel = queue()
  const floor = openFloor(kernel)
  const leave = await floor.take(A!, never)
  kernel.start('c1', A!)
  expect(await state(floor.take(A!, never))).toBe('came')
  expect(await state(floor.free(A!, never))).toBe('came')
  expect(floor.others(A!)).toEqual([])
  leave()
})

test('another waits until it is left, and until its cells have ended; who came first goes first', async () => {
  const kernel = queue()
  const floor = openFloor(kernel)
  const leave = await floor.take(A!, never)
  const [second, third] = [floor.take(B!, never), floor.take(C!, never)]
  kernel.start('c1', A!)
  leave()
  leave()
  expect([await state(second), await state(third)]).toEqual(['waits', 'waits'])
  expect(floor.others(B!)).toEqual([A])
  kernel.end('c1')
  expect([await state(second), await state(third)]).toEqual(['came', 'waits'])
  ;(await second)()
  expect(await state(third)).toBe('came')
})

test('a wait that is aborted takes nothing', async () => {
  const floor = openFloor(queue())
  const leave = await floor.take(A!, never)
  const stop = new AbortController()
  const second = floor.take(B!, stop.signal)
  stop.abort()
  expect(await state(second)).toBe('failed')
  leave()
  expect(await state(floor.take(C!, never))).toBe('came')
})

test('before its next step an agent waits for whoever writes, holds the floor, or has a cell of its own running', async () => {
  const kernel = queue()
  const floor = openFloor(kernel)
  kernel.start('c1', 'researcher')
  const free = floor.free(A!, never)
  expect(await state(free)).toBe('waits')
  const release = floor.hold('researcher')
  kernel.end('c1')
  expect(await state(free)).toBe('waits')
  expect(floor.others(A!)).toEqual(['researcher'])
  expect(await state(floor.free('researcher', never))).toBe('came')
  release()
  release()
  expect(await state(free)).toBe('came')
  kernel.start('c2', 'setup')
  expect(await state(floor.free(A!, never))).toBe('came')
})

test('a cell that was left running is not waited for without an end; one who holds the floor is', async () => {
  const kernel = queue()
  const floor = openFloor(kernel, 20)
  kernel.start('c1', B!)
  await floor.free(A!, never)
  const release = floor.hold(B!)
  const free = floor.free(A!, never)
  await new Promise((resolve) => setTimeout(resolve, 60))
  expect(await state(free)).toBe('waits')
  const stopped = floor.free(A!, AbortSignal.abort())
  await expect(stopped).rejects.toMatchObject({ name: 'AbortError' })
  release()
  await free
  vi.useRealTimers()
})
