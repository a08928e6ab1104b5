import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readKeys } from './keys.ts'

let folder: string
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'seer-keys-'))))
afterEach(() => rmSync(folder, { recursive: true }))

const KEY = 'ANTHROPIC_API_KEY'
const URL = 'ANTHROPIC_BASE_URL'

test.each<
  [string, string | undefined, Record<string, string>, string | undefined, string | undefined, string | undefined]
>([
  ['nothing', undefined, {}, undefined, undefined, undefined],
  ['the environment', undefined, { [KEY]: 'e', [URL]: 'http://e' }, 'e', 'http://e', 'environment'],
  ['the file', `${KEY}=f\n${URL}='http://f'`, {}, 'f', 'http://f', '.env'],
  ['the environment before the file', `${KEY}=f`, { [KEY]: 'e' }, 'e', undefined, 'environment'],
  ['an empty key in the environment is none', `${KEY}=f`, { [KEY]: ' ' }, 'f', undefined, '.env'],
  [
    'the environment’s address before the file’s',
    `${KEY}=f\n${URL}=http://f`,
    { [URL]: 'http://e' },
    'f',
    'http://e',
    '.env',
  ],
  [
    'a key of the environment is not sent to an address in a file',
    `${URL}=http://f`,
    { [KEY]: 'e' },
    'e',
    undefined,
    'environment',
  ],
  ['an address alone in a file', `${URL}=http://f`, {}, undefined, undefined, undefined],
  ['quotes, export, comments', `# mine\nexport ${KEY}="f g" # key\n`, {}, 'f g', undefined, '.env'],
])('%s', (_, file, env, key, url, from) => {
  if (file !== undefined) writeFileSync(join(folder, '.env'), file)
  const before = { ...process.env }
  expect(readKeys(env, folder)).toEqual({ keys: { [KEY]: key, [URL]: url }, from })
  expect(process.env).toEqual(before)
})

test('a folder named .env is none', () => {
  mkdirSync(join(folder, '.env'))
  expect(readKeys({}, folder).from).toBeUndefined()
})

test('a file that cannot be read is an error, unless it is not needed', () => {
  symlinkSync('.env', join(folder, '.env'))
  expect(() => readKeys({}, folder)).toThrow(expect.objectContaining({ code: 'env-file-unreadable' }) as Error)
  expect(readKeys({ [KEY]: 'e' }, folder).from).toBe('environment')
})
