import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { logs } from '../../test/generate-log.ts'
import { parseEvent } from './events.ts'
import { cellsFold } from './fold-cells.ts'
import { saidFold } from './fold-said.ts'
import { findingsFold } from './fold-findings.ts'
import { notebookFold, notebookOf } from './fold-notebook.ts'
import { summaryFold } from './fold-summary.ts'
import { fold, foldBy, type Fold } from './fold.ts'
import { lifetimeFold } from './lifetime.ts'

const folds: [string, Fold<unknown>][] = [
  ['cells', cellsFold],
  ['summary', summaryFold],
  ['findings', findingsFold],
  ['said', saidFold],
  ['lifetime', lifetimeFold],
  ['notebook', notebookFold],
]

const throughJson = (state: unknown): unknown => JSON.parse(JSON.stringify(state))

test('the generated logs are valid ones', () => {
  fc.assert(
    fc.property(logs, (events) => {
      for (const event of events)
        expect(parseEvent(event).kind).toBe(event.type === 'future-thing' ? 'unknown' : 'event')
    }),
  )
})

describe.each(folds)('the fold of %s', (_, f) => {
  test('any prefix of a valid log folds, to plain data', () => {
    fc.assert(
      fc.property(logs, (events) => {
        let state = f.initial()
        for (const event of events) state = f.step(state, event)
        expect(throughJson(state)).toEqual(state)
      }),
    )
  })

  test('folding on from a stored state is folding it all', () => {
    fc.assert(
      fc.property(logs, fc.nat(60), (events, at) => {
        const whole = fold(f, events)
        const stored = throughJson(fold(f, events.slice(0, at)))
        expect(fold(f, events.slice(at), stored)).toEqual(whole)
      }),
    )
  })

  test('events of unknown types change nothing', () => {
    fc.assert(
      fc.property(logs, (events) => {
        const known = events.filter(({ type }) => type !== 'future-thing')
        expect(fold(f, events)).toEqual(fold(f, known))
      }),
    )
  })

  test('folding changes no event', () => {
    fc.assert(
      fc.property(logs, (events) => {
        const before = JSON.stringify(events)
        fold(f, events)
        expect(JSON.stringify(events)).toBe(before)
      }),
    )
  })

  test('the initial state is a new one each time, and is not changed by folding', () => {
    const first = f.initial()
    const before = throughJson(first)
    fc.assert(
      fc.property(logs, (events) => {
        fold(f, events)
      }),
    )
    expect(first).not.toBe(f.initial())
    expect(throughJson(f.initial())).toEqual(before)
  })
})

test('every prefix makes a notebook', () => {
  fc.assert(
    fc.property(logs, (events) => {
      let state = notebookFold.initial()
      for (const event of events) state = notebookFold.step(state, event)
      const { cells } = notebookOf(state)
      expect(new Set(cells.map(({ id }) => id)).size).toBe(cells.length)
      for (const { id } of cells) expect(id).toMatch(/^[A-Za-z0-9_-]{1,64}$/)
    }),
  )
})

test('a type that is the name of something in every object is unknown', () => {
  const f = foldBy(() => ({ n: 0 }), { 'session-end': (state) => void (state.n += 1) })
  const events = ['constructor', 'toString', '__proto__'].map((type, i) => ({
    type,
    seq: i + 1,
    at: '',
    run: '',
    by: 'system' as const,
  }))
  expect(fold(f, events)).toEqual({ n: 0 })
})
