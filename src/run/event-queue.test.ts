import { expect, test } from 'vitest'
import type { RunEvent } from './events.ts'
import { EventQueue } from './event-queue.ts'

const event = (seq: number) => ({ seq }) as RunEvent

test('gives out what was pushed before it was closed, then ends', async () => {
  const queue = new EventQueue(() => undefined)
  queue.push(event(1))
  queue.push(event(2))
  queue.close()
  const seen = []
  for await (const { seq } of queue) seen.push(seq)
  expect(seen).toEqual([1, 2])
})

test('every one of several waiting readers is woken', async () => {
  const queue = new EventQueue(() => undefined)
  const reads = [queue.next(), queue.next(), queue.next()]
  queue.push(event(1))
  queue.push(event(2))
  queue.close()
  const results = await Promise.all(reads)
  expect(results.map(({ done }) => done)).toEqual([false, false, true])
})

test('a close ends every one of several waiting readers', async () => {
  const queue = new EventQueue(() => undefined)
  const reads = [queue.next(), queue.next()]
  queue.close()
  expect((await Promise.all(reads)).map(({ done }) => done)).toEqual([true, true])
})

test('leaving the loop takes the queue back', async () => {
  let closed = 0
  const queue = new EventQueue(() => (closed += 1))
  queue.push(event(1))
  queue.push(event(2))
  for await (const _ of queue) break
  expect(closed).toBe(1)
  expect(await queue.next()).toEqual({ value: undefined, done: true })
})
