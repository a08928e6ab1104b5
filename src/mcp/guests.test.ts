import { expect, test } from 'vitest'
import type { By } from '../run/events.ts'
import { openGuests } from './guests.ts'

test('each keeps its name until it leaves', () => {
  const own: By[] = []
  const guests = openGuests(() => own)
  const [one, two] = [guests.enter('Claude'), guests.enter('Claude')]
  expect([two, one, one, two].map(({ author }) => author())).toEqual([
    'agent:claude-2',
    'agent:claude',
    'agent:claude',
    'agent:claude-2',
  ])
  // One of whom is only known how it is called is none of them, and holds nothing.
  expect([guests.passing('claude'), guests.passing('claude')]).toEqual(['agent:claude-3', 'agent:claude-3'])
  one.leave()
  expect(two.author()).toBe('agent:claude-2')
  expect(guests.enter('Claude').author()).toBe('agent:claude')
})

test('an agent of the run that begins later has its name for itself', () => {
  const own: By[] = []
  const guest = openGuests(() => own).enter('main')
  expect(guest.author()).toBe('agent:main')
  own.push('agent:main')
  expect([guest.author(), guest.author()]).toEqual(['agent:main-outside', 'agent:main-outside'])
})
