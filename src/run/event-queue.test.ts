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

test('a reader has caught up once it asks for more than there is', async () => {
  const queue = new EventQueue(() => undefined)
  const told: string[] = []
  const watch = (name: string) => void queue.caughtUp().then(() => told.push(name))
  const settle = () => new Promise((resolve) => setImmediate(resolve))
  queue.push(event(1))
  watch('before it read')
  await settle()
  await queue.next()
  await settle()
  // It has the event, and may still be busy with it.
  expect(told).toEqual([])
  const next = queue.next()
  watch('while it waits')
  await settle()
  expect(told).toEqual(['before it read', 'while it waits'])
  queue.push(event(2))
  watch('while it wakes')
  await next
  await settle()
  expect(told).toHaveLength(2)
  await queue.return()
  await settle()
  expect(told).toEqual(['before it read', 'while it waits', 'while it wakes'])
})
