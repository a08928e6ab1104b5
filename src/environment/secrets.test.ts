import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { newFolder, newRun, START } from '../../test/fixtures/memory-run.ts'
import { thrownBy } from '../../test/fixtures/thrown-by.ts'
import { Run } from '../run/run.ts'
import { Sandbox } from './sandbox.ts'
import { hideSecrets, readSecrets, recallSecrets } from './secrets.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'seer-secrets-'))))
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true })
})

const V = 'value-of-the-environment'
const F = 'value-of-the-file'
const read = (
  names: string[],
  environment: Record<string, string>,
  file?: string,
  env: Record<string, string> = {},
) => {
  if (file !== undefined) writeFileSync(join(folder, '.env'), file)
  return readSecrets(names, env, { environment, folder })
}

test.each<[string, Record<string, string>, string | undefined, string]>([
  ['the environment', { KEY: V }, undefined, V],
  ['the file', {}, `KEY=${F}`, F],
  ['the environment before the file', { KEY: V }, `KEY=${F}`, V],
  ['what is empty in the environment is none', { KEY: ' ' }, `KEY=${F}`, F],
  ['quotes, export, comments', {}, `# mine\nexport KEY="${F}" # key\n`, F],
  ['several lines', {}, 'KEY="first line\nsecond line"', 'first line\nsecond line'],
])('taken from: %s', (_, environment, file, value) => {
  expect(read(['KEY', 'KEY'], environment, file)).toEqual([{ name: 'KEY', value }])
})

test.each<[string, string[], Record<string, string>, string | undefined, string, RegExp]>([
  ['it is not set', ['KEY'], { OTHER: V }, `MORE=${F}`, 'secret-missing', /KEY is not set/],
  ['one of two', ['KEY', 'LACKING'], { KEY: V }, undefined, 'secret-missing', /: LACKING is not set\.$/],
  ['it is empty', ['KEY'], { KEY: '' }, undefined, 'secret-missing', /KEY is empty/],
  ['it is empty in the file', ['KEY'], {}, 'KEY=', 'secret-missing', /KEY is empty/],
  ['no name of a variable', ['my-key'], { 'my-key': V }, undefined, 'secret-name', /"my-key".*not the name of an env/],
  ['Seer sets it', ['PATH'], { PATH: V }, undefined, 'secret-name', /"PATH".*Seer sets/],
  ['Seer sets it, too', ['PYTHONHASHSEED'], {}, undefined, 'secret-name', /Seer sets/],
  ['`env` sets it', ['MINE'], { MINE: V }, undefined, 'secret-name', /"MINE".*`env`/],
  ['it is short', ['KEY'], { KEY: 'short 7' }, undefined, 'secret-unusable', /KEY .*7 characters/],
  ['space does not count', ['KEY'], { KEY: 'short 7\n' }, undefined, 'secret-unusable', /7 characters/],
  ['it is a word of the log', ['KEY'], { KEY: 'completed' }, undefined, 'secret-unusable', /ordinary word/],
  ['it is its own name', ['OPENAI_KEY'], { OPENAI_KEY: 'OPENAI_KEY' }, undefined, 'secret-unusable', /ordinary word/],
  ['it is very long', ['KEY'], { KEY: 'x'.repeat(40_000) }, undefined, 'secret-unusable', /32 KiB/],
])('refused: %s', (_, names, environment, file, code, message) => {
  const error = thrownBy(() => read(names, environment, file, { MINE: 'x' }))
  expect(error).toMatchObject({ code, message: expect.stringMatching(message) as string })
  // No error tells a value.
  const values = [...Object.values(environment), F].filter((value) => value.length > 7 && !names.includes(value))
  for (const value of values) expect(`${error.message} ${error.hint}`).not.toContain(value)
})

test('what is missing is said before anything starts: there is no run, and nothing is prepared', async () => {
  vi.spyOn(process, 'cwd').mockReturnValue(folder)
  vi.stubEnv('SEER_TEST_LACKING', undefined)
  await expect(Sandbox.start({ secrets: ['SEER_TEST_LACKING'] })).rejects.toMatchObject({
    code: 'secret-missing',
    message: expect.stringContaining('SEER_TEST_LACKING') as string,
  })
  expect(readdirSync(folder)).toEqual([])
})

test('a value that is in the parameters of the run, which were written before, is refused', async () => {
  const run = Run.create(newFolder(), { ...START, params: { key: `x ${V}` } })
  expect(thrownBy(() => hideSecrets(run, [{ name: 'KEY', value: V }]))).toMatchObject({ code: 'secret-in-parameters' })
  await run.end('failed')
  const other = newRun()
  hideSecrets(other, [{ name: 'KEY', value: V }])
  expect(other.redactor.text(V)).toBe('[secret KEY]')
  await other.end('completed')
})

test('for the recovery of a run, what can still be found is hidden, and the rest is named', async () => {
  const run = newRun()
  vi.stubEnv('SEER_TEST_KNOWN', V)
  vi.stubEnv('SEER_TEST_LACKING', undefined)
  expect(recallSecrets(run, ['SEER_TEST_KNOWN', 'SEER_TEST_LACKING'])).toEqual(['SEER_TEST_LACKING'])
  expect(run.redactor.text(V)).toBe('[secret SEER_TEST_KNOWN]')
  await run.end('completed')
  expect(existsSync(run.folder)).toBe(true)
})
