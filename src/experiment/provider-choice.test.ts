import { expect, test } from 'vitest'
import { chooseProvider } from './provider-choice.ts'

test.each([
  [undefined, { key: 'environment', recording: true }, 'claude', /ANTHROPIC_API_KEY is set in the environment/],
  [undefined, { key: '.env', recording: true }, 'claude', /ANTHROPIC_API_KEY is set in .env/],
  [undefined, { key: undefined, recording: true }, 'recorded', /no ANTHROPIC_API_KEY/],
  ['recorded', { key: 'environment', recording: true }, 'recorded', /asked for/],
  ['claude', { key: undefined, recording: true }, 'claude', /asked for/],
  ['outside', { key: undefined, recording: false }, 'outside', /asked for/],
] as const)('asked for %s with %j: %s, and it says why', (asked, has, name, why) => {
  expect(chooseProvider(asked, has)).toEqual({ name, why: expect.stringMatching(why) })
})

test.each([
  [undefined, { key: undefined, recording: false }, 'provider-key-missing'],
  ['gpt', { key: 'environment', recording: true }, 'unknown-provider'],
  ['', { key: 'environment', recording: true }, 'unknown-provider'],
] as const)('asked for %s with %j: %s', (asked, has, code) => {
  expect(() => chooseProvider(asked, has)).toThrow(
    expect.objectContaining({ code, hint: expect.stringMatching(/\w/) }) as Error,
  )
})
