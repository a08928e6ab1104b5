import { expect, test } from 'vitest'
import { isSessionOf, newSessionId } from './session-names.ts'

/** The ids of the sessions that a run opens in a sandbox that so many runs have used. */
function named(uses: number, count = 2): string[] {
  let sessions = 0
  const run = { nextSessionId: () => `s${(sessions += 1)}`, takeSessionId: () => true }
  return Array.from({ length: count }, () => newSessionId(run, { id: 'sb-1', uses }))
}

test('none that the run has in another sandbox', () => {
  let sessions = 0
  const run = { nextSessionId: () => `s${(sessions += 1)}`, takeSessionId: (id: string) => id !== 's1' && id !== 's2' }
  expect(newSessionId(run, { id: 'sb-1', uses: 1 })).toBe('s3')
})

test('no two runs have a session of the same name in one sandbox', () => {
  const all = [1, 2, 3, 12, 22].flatMap((uses) => named(uses, 30))
  expect(new Set(all).size).toBe(all.length)
  expect(named(1)).toEqual(['s1', 's2'])
  expect(named(2)).toEqual(['s1-2', 's2-2'])
})

test('a run knows its own, and what belongs to the sandbox as a whole', () => {
  for (const uses of [1, 2, 12]) {
    for (const other of [1, 2, 12])
      expect(named(other).map((session) => isSessionOf({ uses }, session))).toEqual([uses === other, uses === other])
    expect(isSessionOf({ uses }, 'network')).toBe(true)
  }
})
