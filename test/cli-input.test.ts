/** Bad input: one clear message on stderr, the right exit code, no stack trace, and nothing but JSON on stdout. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newPlace, plainExperiment, repository, type Ended, type Place } from './fixtures/place.ts'
import { logOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

const USAGE = 2
const SETUP = 3
const KEY = { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' }

let place: Place
beforeAll(() => void (place = newPlace()))
afterAll(() => place[Symbol.asyncDispose]())

function jsonLines(stdout: string): unknown[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}

function expectPlain({ stderr }: Ended): void {
  expect(stderr).not.toMatch(/^\s+at .*[:(]/m)
  expect(stderr).not.toContain('node:internal')
  expect(stderr).not.toMatch(/Error: .*Error: /)
}

const run = (...args: string[]) => ['run', plainExperiment, ...args]

describe('before anything starts', () => {
  test.each<[string, readonly string[], RegExp, Record<string, string>?]>([
    ['no command', [], /Usage: seer/],
    ['an unknown command', ['rnu', 'sandbox-intro'], /unknown command 'rnu'.*\n.*Did you mean run\?/],
    ['an unknown option', run('--recrd'), /unknown option '--recrd'.*\n.*Did you mean --record\?/],
    ['an option without its value', run('--provider'), /--provider <name>.*argument missing/],
    ['no experiment', ['run'], /missing required argument 'experiment'/],
    ['one argument too many', run('more'), /too many arguments/],
    [
      'an unknown experiment',
      ['run', 'sandbox-intor'],
      /no experiment "sandbox-intor"; did you mean "sandbox-intro"\?/,
    ],
    ['a folder that is not there', ['run', `${plainExperiment}s`], /no file or folder.*did you mean "plain"\?/],
    ['a folder without an experiment', ['run', join(repository, 'test')], /has no experiment\.ts/],
    ['an unknown param', run('--set', 'wrod=x'), /there is no "wrod"; did you mean "word"\?/],
    ['a malformed --set', run('--set', 'count'), /--set count is not of the form key=value/],
    ['a --set without a key', run('--set', '=3'), /--set =3 is not of the form key=value/],
    ['a param of a wrong type', run('--set', 'count=many'), /count: .*number/i],
    ['a param out of range', run('--set', 'count=99'), /count: .*10/],
    ['a param that is no whole number', run('--set', 'count=1.5'), /count: .*int/],
    ['an unknown profile', run('--profile', 'secnd'), /no profile "secnd"; did you mean "second"\?/],
    [
      'an unknown provider',
      run('--provider', 'cluade'),
      /no provider "cluade".*did you mean "claude"\?|no provider "cluade"[^]*claude, recorded/,
    ],
    ['no key and no recording', run(), /no ANTHROPIC_API_KEY.*no recording/],
    ['no key', run('--provider', 'claude'), /ANTHROPIC_API_KEY is not set/],
    ['an empty key', run('--provider', 'claude'), /ANTHROPIC_API_KEY is not set/, { ANTHROPIC_API_KEY: ' ' }],
    [
      'a base URL that is none',
      run('--provider', 'claude'),
      /ANTHROPIC_BASE_URL.*"localhost/,
      { ANTHROPIC_API_KEY: 'x', ANTHROPIC_BASE_URL: 'localhost:80' },
    ],
    ['no recording', run('--provider', 'recorded'), /no readable recording at/],
    [
      'a recording that is not there',
      run('--provider', 'recorded', '--recording', 'nowhere.json'),
      /no readable recording at .*nowhere\.json/,
    ],
    [
      'a recording that is none',
      run('--provider', 'recorded', '--recording', join(plainExperiment, 'task.md')),
      /cannot be read: it is not JSON/,
    ],
    ['a run that is not there', ['show', 'nothing'], /There are no runs in/],
    ['show without a run', ['show'], /missing required argument 'run'/],
  ])('%s', async (_, args, message, env = {}) => {
    const ended = await place.seer(args, { env }).ended
    expect(ended.stderr).toMatch(message)
    expect(ended).toMatchObject({ code: USAGE, stdout: '' })
    expectPlain(ended)
  })

  test.each<[string, string[]]>([
    ['invalid-options', run('--set', 'count=99')],
    ['usage', run('--recrd')],
    ['run-unknown', ['show', 'nothing']],
    ['unknown-experiment', ['run', 'nothing']],
  ])('%s under --json: the error is the one line', async (code, args) => {
    const ended = await place.seer([...args, '--json']).ended
    expect(ended.code).toBe(USAGE)
    expect(jsonLines(ended.stdout)).toEqual([{ error: expect.objectContaining({ code, message: expect.any(String) }) }])
  })

  test.each<readonly [string, Record<string, string>, RegExp]>([
    ['cannot be parsed', { 'experiment.ts': 'export default {' }, /cannot read .*experiment\.ts/],
    ['has an enum', { 'experiment.ts': 'enum A { B }\nexport default A' }, /enum/],
    ['exports nothing', { 'experiment.ts': 'export const a = 1' }, /no default export/],
    ['exports something else', { 'experiment.ts': 'export default { run() {} }' }, /does not export an experiment/],
    [
      'throws while it is loaded',
      { 'experiment.ts': 'throw new TypeError("not today")' },
      /threw while it was loaded: not today/,
    ],
    [
      'imports what is not there',
      { 'experiment.ts': 'import "left-pad"\nexport default 1' },
      /imports what is not there.*left-pad/,
    ],
    ['names an unknown param in its task', { 'task.md': 'Say {{wrod}}.' }, /\{\{wrod\}\}.*did you mean "word"\?/],
  ])('an experiment that %s', async (what, files, message) => {
    const folder = place.copyExperiment(`it ${what}`)
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    const ended = await place.seer(['run', folder], { env: KEY }).ended
    expect(ended.stderr).toMatch(message)
    expect(ended).toMatchObject({ code: USAGE, stdout: '' })
    expectPlain(ended)
  })

  test('none of these left a run, a sandbox or a process', () => {
    expect(place.runs()).toEqual([])
    expect(place.sandboxes()).toEqual([])
    expect(place.processes()).toEqual([])
  })
})

describe('once the run has its folder', () => {
  async function expectFailed(ended: Ended, code: number, error: string): Promise<void> {
    expectPlain(ended)
    expect(ended.code).toBe(code)
    const lines = jsonLines(ended.stdout)
    expect(lines.at(-1)).toMatchObject({ status: 'failed', cells: expect.any(Number), folder: expect.any(String) })
    const { folder } = lines.at(-1) as { folder: string }
    expect((await logOf(folder)).of('run-end')).toMatchObject([{ status: 'failed', error: { code: error } }])
    expect(place.processes()).toEqual([])
    expect(place.sandboxes()).toEqual([])
  }

  test.each([
    [
      401,
      'authentication_error',
      'provider-key-rejected',
      /did not accept the key.*invalid x-api-key[^]*Check ANTHROPIC_API_KEY/,
    ],
    [404, 'not_found_error', 'provider-model-unknown', /does not know this model[^]*--agent-model/],
    [400, 'invalid_request_error', 'provider-rejected-request', /rejected the request \(400\)/],
  ])('the API answers %s', async (status, type, code, message) => {
    await using api = await loopbackMessages([
      { status, error: { type, message: 'invalid x-api-key or model: claude-9' } },
    ])
    const ended = await place.run(api.url, ['--json', '--agent-model', 'claude-9', '--budget', 'none']).ended
    expect(ended.stderr).toMatch(message)
    expect(api.requests).toHaveLength(1)
    await expectFailed(ended, 1, code)
  })

  test('the API cannot be reached: one clear line, in seconds', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => server.once('listening', resolve))
    const { port } = server.address() as { port: number }
    await new Promise((resolve) => server.close(resolve))
    const ended = await place.run(`http://127.0.0.1:${port}`, ['--json']).ended
    expect(ended.stderr).toMatch(new RegExp(`127\\.0\\.0\\.1:${port} cannot be reached \\(ECONNREFUSED\\)`))
    console.log(`API not reachable: ended after ${Math.round(ended.tookMs)} ms`)
    expect(ended.tookMs).toBeLessThan(20_000)
    await expectFailed(ended, 1, 'provider-unreachable')
  })

  test('Python is missing, or is too old', async () => {
    const cache = join(place.root, 'empty cache')
    mkdirSync(cache)
    const old = join(place.root, 'python3')
    const answer = { executable: old, version: '3.8.18', platform: 'linux-x86_64-glibc', hasPip: true }
    writeFileSync(old, `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`)
    chmodSync(old, 0o755)
    for (const [python, message] of [
      ['/nonexistent', /no Python of 3\.10 or newer found \(\/nonexistent: not found\)[^]*SEER_PYTHON/],
      [old, /3\.8\.18 is too old[^]*SEER_PYTHON must be/],
    ] as const) {
      const ended = await place.run(KEY.ANTHROPIC_BASE_URL, ['--json'], {
        env: { SEER_PYTHON: python, SEER_CACHE: cache },
      }).ended
      expect(ended.stderr).toMatch(message)
      await expectFailed(ended, SETUP, 'setup-python-missing')
    }
    const none = await place.run(KEY.ANTHROPIC_BASE_URL, ['--json'], {
      env: { PATH: '/nonexistent', SEER_CACHE: cache },
    }).ended
    expect(none.stderr).toMatch(/none at all on PATH[^]*install one/)
    await expectFailed(none, SETUP, 'setup-python-missing')
  })
})
