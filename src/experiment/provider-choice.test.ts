import { expect, test } from 'vitest'
import { chooseProvider } from './provider-choice.ts'

test.each([
  [undefined, { key: true, recording: true }, 'claude', /ANTHROPIC_API_KEY is set/],
  [undefined, { key: false, recording: true }, 'recorded', /no ANTHROPIC_API_KEY/],
  ['recorded', { key: true, recording: true }, 'recorded', /asked for/],
  ['claude', { key: false, recording: true }, 'claude', /asked for/],
])('asked for %s with %j: %s, and it says why', (asked, has, name, why) => {
  expect(chooseProvider(asked, has)).toEqual({ name, why: expect.stringMatching(why) })
})

test.each([
  [undefined, { key: false, recording: false }, 'provider-key-missing'],
  ['gpt', { key: true, recording: true }, 'unknown-provider'],
  ['', { key: true, recording: true }, 'unknown-provider'],
])('asked for %s with %j: %s', (asked, has, code) => {
  expect(() => chooseProvider(asked, has)).toThrow(
    expect.objectContaining({ code, hint: expect.stringMatching(/\w/) }) as Error,
  )
})
