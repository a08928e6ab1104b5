import { expect, test } from 'vitest'
import { stampAll } from '../../../test/generate-log.ts'
import type { EventInput } from '../../run/events.ts'
import { fold } from '../../run/fold.ts'
import { runFold } from '../run-state.ts'
import { findLandmark, landmarkCounter } from './find-next.ts'

const place = { by: 'agent:main', session: 's1' } as const
const start = (cell: string): EventInput => ({ type: 'cell-start', ...place, cell, code: '', hidden: false })
const end = (cell: string, status: 'ok' | 'error'): EventInput => {
  return { type: 'cell-end', ...place, cell, status, executionCount: 1, durationMs: 1 }
}
const figure = (cell: string): EventInput => {
  const output = { output_type: 'display_data' as const, data: { 'image/png': 'x' }, metadata: {} }
  return { type: 'cell-output', ...place, cell, output }
}
const finding: EventInput = { type: 'finding-submit', ...place, finding: { claim: '', confidence: 1, cells: [] } }

// Entries: c1 (ok), c2 (failed), c3 (a figure), finding, c4 (failed).
const events = [
  [start('c1'), end('c1', 'ok')],
  [start('c2'), end('c2', 'error')],
  [start('c3'), figure('c3'), end('c3', 'ok'), finding],
  [start('c4'), end('c4', 'error')],
].flat()

test('jumps go to the next of a kind, in either direction and around the end', () => {
  const run = fold(runFold, stampAll(events))
  expect(findLandmark(run, 'error', -1, 1)).toBe(1)
  expect(findLandmark(run, 'error', 1, 1)).toBe(4)
  expect(findLandmark(run, 'error', 4, 1)).toBe(1)
  expect(findLandmark(run, 'error', 0, -1)).toBe(4)
  expect(findLandmark(run, 'figure', 2, 1)).toBe(2)
  expect(findLandmark(run, 'finding', 0, 1)).toBe(3)
  expect(findLandmark(run, 'cell', 2, 1)).toBe(4)
  expect(findLandmark(fold(runFold, stampAll([start('c1')])), 'finding', 0, 1)).toBeUndefined()
})

test('counts follow the run as it grows', () => {
  const count = landmarkCounter()
  const stamped = stampAll(events)
  let run = runFold.initial()
  const seen = stamped.map((event) => {
    run = runFold.step(run, event)
    return { ...count(run) }
  })
  expect(seen[0]).toEqual({ errors: 0, figures: 0, findings: 0 })
  expect(seen.at(-1)).toEqual({ errors: 2, figures: 1, findings: 1 })
})
