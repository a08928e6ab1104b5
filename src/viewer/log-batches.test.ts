import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { logs } from '../../test/generate-log.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { readEvents } from '../run/log-reader.ts'
import { logBatches, MAX_BATCH_BYTES, MAX_BATCH_ITEMS, type LogBatch, type Place } from './log-batches.ts'

const START: Place = { offset: 0, seq: 0 }

async function read(path: string, from = START): Promise<LogBatch[]> {
  const batches: LogBatch[] = []
  for await (const batch of logBatches(path, from)) batches.push(batch)
  return batches
}
const eventsOf = (batches: readonly LogBatch[]) => batches.flatMap(({ events }) => events)
const problemsOf = (batches: readonly LogBatch[]) =>
  batches.flatMap(({ problems, torn }) => (torn ? [...problems, torn] : problems))

const line = (seq: number, text = '') =>
  `${JSON.stringify({ seq, at: '2026-01-01T00:00:00.000Z', type: 'x', run: 'r', by: 'system', text })}\n`

test('batches hold what one reading of the log holds, and each can be gone on from', async () => {
  const path = join(temporaryFolder(), 'events.jsonl')
  // What a line of a log may have become.
  const damage = fc.array(fc.constantFrom('keep', 'keep', 'keep', 'drop', 'garble', 'repeat', 'grow'), {
    maxLength: 61,
  })
  await fc.assert(
    fc.asyncProperty(logs, damage, fc.boolean(), async (events, damages, torn) => {
      const lines = events.flatMap((event, index) => {
        const text = JSON.stringify(event)
        const what = damages[index] ?? 'keep'
        if (what === 'drop') return []
        if (what === 'garble') return [`${text.slice(1)}\n`]
        if (what === 'grow') return [`${JSON.stringify({ ...event, type: 'grown', more: 'y'.repeat(150_000) })}\n`]
        return what === 'repeat' ? [`${text}\n`, `${text}\n`] : [`${text}\n`]
      })
      writeFileSync(path, lines.join('') + (torn ? '{"seq":' : ''))
      const whole = await readEvents(path)
      const batches = await read(path)
      expect(eventsOf(batches).map((text): unknown => JSON.parse(text))).toEqual(
        JSON.parse(JSON.stringify(whole.events)),
      )
      expect(problemsOf(batches)).toEqual(whole.problems)
      for (const [index, { place }] of batches.entries()) {
        const rest = await read(path, place)
        expect(eventsOf(rest)).toEqual(eventsOf(batches.slice(index + 1)))
        const told = problemsOf(batches.slice(index + 1))
        expect(problemsOf(rest)).toEqual(torn && told.length === 0 ? whole.problems.slice(-1) : told)
      }
    }),
    { numRuns: 60 },
  )
})

test('a batch has a size, and an event that is larger comes alone', async () => {
  const path = join(temporaryFolder(), 'events.jsonl')
  const large = 'z'.repeat(MAX_BATCH_BYTES)
  const texts = [
    ...Array.from({ length: 1200 }, () => ''),
    large,
    'a',
    ...Array.from({ length: 9 }, () => 'y'.repeat(99_000)),
  ]
  writeFileSync(path, texts.map((text, index) => line(index + 1, text)).join(''))
  const batches = await read(path)
  expect(batches.map(({ events }) => events.length)).toEqual([500, 500, 200, 1, 3, 2, 2, 2, 1])
  const sizes = batches
    .filter(({ events }) => events.length > 1)
    .map(({ events }) => Buffer.byteLength(events.join('')))
  expect(Math.max(...sizes)).toBeLessThanOrEqual(MAX_BATCH_BYTES)
  expect(Math.max(...batches.map(({ events }) => events.length))).toBe(MAX_BATCH_ITEMS)
})

test('a gap comes with the event behind it, not at the end of a batch that was gone on from', async () => {
  const path = join(temporaryFolder(), 'events.jsonl')
  const seqs = Array.from({ length: MAX_BATCH_ITEMS }, (_, index) => index + 1)
  writeFileSync(path, [...seqs, MAX_BATCH_ITEMS + 9].map((seq) => line(seq)).join(''))
  const batches = await read(path)
  expect(batches.map(({ events, problems }) => [events.length, problems.length])).toEqual([
    [MAX_BATCH_ITEMS, 0],
    [1, 1],
  ])
})

test('a log of nothing but damage comes in batches too', async () => {
  const path = join(temporaryFolder(), 'events.jsonl')
  writeFileSync(path, 'rubbish\n'.repeat(1100))
  const batches = await read(path)
  expect(batches.map(({ problems }) => problems.length)).toEqual([500, 500, 100])
  expect(batches.at(-1)?.place).toEqual({ offset: 8800, seq: 1100 })
})
