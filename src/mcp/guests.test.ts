import { expect, test } from 'vitest'
import type { By } from '../run/events.ts'
import { openGuests } from './guests.ts'

const here = () => () => true

test('each keeps its name until it leaves', () => {
  const own: By[] = []
  const guests = openGuests(() => own)
  const [one, two] = [guests.enter('Claude', here()), guests.enter('Claude', here())]
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
  expect(guests.enter('Claude', here()).author()).toBe('agent:claude')
})

test('one that nothing connects any more does not keep its name from who comes', () => {
  const guests = openGuests(() => [])
  let isHere = true
  const one = guests.enter('Claude', () => isHere)
  isHere = false
  const again = guests.enter('Claude', here())
  expect(again.author()).toBe('agent:claude')
  // It was not that one: both are here.
  isHere = true
  expect([one.author(), again.author(), one.author()]).toEqual(['agent:claude-2', 'agent:claude', 'agent:claude-2'])
  one.leave()
  expect(guests.passing('claude')).toBe('agent:claude-2')
})

test('an agent of the run that begins later has its name for itself', () => {
  const own: By[] = []
  const guest = openGuests(() => own).enter('main', here())
  expect(guest.author()).toBe('agent:main')
  own.push('agent:main')
  expect([guest.author(), guest.author()]).toEqual(['agent:main-outside', 'agent:main-outside'])
})
