import { expect, test } from 'vitest'
import { confinementOfRun, wallOfSandbox } from './choose-confinement.ts'

const typed = { provider: 'claude', confinement: 'none' }
const usual = { provider: 'claude', confinement: 'bubblewrap' }
const script = { provider: 'script', confinement: 'bubblewrap' }

test('without a wall: when it was typed, or when a script says so', async () => {
  expect(await confinementOfRun(true)).toBe('none')
  expect(await wallOfSandbox(false, typed)).toBeUndefined()
  expect(await wallOfSandbox(true, typed)).toBeUndefined()
  expect(await wallOfSandbox(true, script)).toBeUndefined()
})

test('an experiment cannot take the wall away from who runs it', async () => {
  await expect(wallOfSandbox(true, usual)).rejects.toMatchObject({
    code: 'unconfined-not-typed',
    hint: expect.stringContaining('--unconfined'),
  })
})

test('otherwise there is one', async () => {
  expect(await confinementOfRun(false)).toBe('bubblewrap')
  for (const run of [usual, script]) expect(await wallOfSandbox(false, run)).toMatch(/\/bwrap$/)
})
