import { expect, test } from 'vitest'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { asExperiment, experiment, type Experiment } from './experiment.ts'

const whole = {
  description: 'a test',
  params: z.strictObject({ steps: z.int().default(1) }),
  profiles: { embedded: {} },
  run: () => Promise.resolve(),
}

test('a whole definition is an experiment, and only what came out of experiment() is one', () => {
  const made = experiment(whole)
  expect(asExperiment(made, 'x.ts')).toBe(made)
  expect(() => asExperiment({ ...whole }, 'x.ts')).toThrow(/x\.ts does not export an experiment/)
})

test.each([
  ['an unknown key', { ...whole, parms: whole.params }, /there is no "parms"; did you mean "params"\?/],
  ['no run', { ...whole, run: undefined }, /run: is not a function/],
  ['no profiles', { ...whole, profiles: undefined }, /profiles: /],
  ['an empty set of profiles', { ...whole, profiles: {} }, /needs at least one profile/],
  ['params that are not a zod object', { ...whole, params: { steps: 1 } }, /params: is not a zod object/],
  ['a seed that is no whole number', { ...whole, seed: 0.5 }, /seed: /],
])('%s is refused with its name', (_, definition, message) => {
  const make = () => experiment(definition as unknown as Experiment)
  expect(make).toThrow(SeerError)
  expect(make).toThrow(message)
})
