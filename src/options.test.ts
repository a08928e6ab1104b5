import { expect, test } from 'vitest'
import { z } from 'zod'
import { closest } from './did-you-mean.ts'
import { describeError, firstError, SeerError } from './errors.ts'
import { parseOptions } from './options.ts'
import { untilAborted } from './until-aborted.ts'

const schema = z.strictObject({
  timeout: z.number().min(60, 'is in seconds; at least 60').default(3600),
  models: z.array(z.strictObject({ name: z.string() })).default([]),
})

test.each([
  [{ timout: 5 }, /^Sandbox: there is no "timout"; did you mean "timeout"\?$/],
  [{ zzz: 5 }, /^Sandbox: there is no "zzz"$/],
  [{ timeout: 5 }, /timeout: is in seconds; at least 60/],
  [{ timeout: '5' }, /timeout: .*expected number/],
  [{ models: [{ name: 'x', dtype: 'f' }] }, /models\.0: there is no "dtype"/],
  [null, /expected object/],
])('%j', (options, message) => {
  expect(() => parseOptions('Sandbox', schema, options)).toThrow(
    expect.objectContaining({
      code: 'invalid-options',
      message: expect.stringMatching(message),
      hint: 'The keys are: timeout, models.',
    }) as Error,
  )
})

test('defaults are filled in', () => {
  expect(parseOptions('Sandbox', schema, {})).toEqual({ timeout: 3600, models: [] })
})

test.each([
  ['excute_code', 'execute_code'],
  ['EXECUTE_CODE', 'execute_code'],
  ['launch', undefined],
  ['', undefined],
])('the known word nearest to %j: %s', (word, near) => {
  expect(closest(word, ['execute_code', 'edit_cell'])).toBe(near)
})

test('an error that came while cleaning up does not hide the first one', () => {
  const first = new SeerError('c', { message: 'first', hint: 'do this' })
  const wrapped = new SuppressedError(new Error('third'), new SuppressedError(new Error('second'), first))
  expect(firstError(wrapped)).toBe(first)
  expect(describeError(wrapped)).toBe('first\n  → do this')
})

test('untilAborted: the value, the error, or the reason; and what comes after is nobody’s unhandled rejection', async () => {
  const stop = new AbortController()
  expect(await untilAborted(Promise.resolve(1), stop.signal)).toBe(1)
  await expect(untilAborted(Promise.reject(new Error('own')), stop.signal)).rejects.toThrow('own')
  const late = Promise.withResolvers<never>()
  const waiting = untilAborted(late.promise, stop.signal)
  stop.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  await expect(untilAborted(late.promise, stop.signal)).rejects.toThrow('enough')
  late.reject(new Error('unheard'))
  await new Promise((resolve) => setImmediate(resolve))
})
