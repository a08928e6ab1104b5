/** JupyterLab's server ends with its session, its run and its process, however those end, and takes its folder along. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, expect, test, vi } from 'vitest'
import { cacheRoot } from '../src/environment/cache.ts'
import { ensureJupyter } from '../src/environment/jupyter-environment.ts'
import { labProcesses } from './fixtures/jupyter-lab.ts'
import { newPlace, repository } from './fixtures/place.ts'
import { startedNotebook } from './fixtures/notebook.ts'
import { isAlive, until } from './fixtures/processes.ts'

beforeAll(() => {
  // Nobody who looks for the newest run is to find these, and no folder of others is found here.
  for (const name of ['XDG_RUNTIME_DIR', 'TMPDIR']) vi.stubEnv(name, mkdtempSync(join(tmpdir(), 'seer-t-')))
})

const folders = () => readdirSync(tmpdir()).filter((name) => name.startsWith('seer-jupyter-'))
const factsOf = (pid: number) =>
  ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${pid}/${name}`, 'utf8')).join('\n')

test('with its session: the url is refused from then on, and its token was nowhere', async () => {
  process.env['SEER_T_KEY_OF_MINE'] = 'a-key-of-mine'
  await using notebook = await startedNotebook()
  const [url, again] = await Promise.all([notebook.session.jupyterUrl, notebook.session.jupyterUrl])
  expect(again).toBe(url)
  const token = new URL(url).searchParams.get('token') ?? ''
  const [pid = 0, ...more] = labProcesses(process.pid)
  expect(more).toEqual([])
  expect(folders()).toHaveLength(1)
  const facts = factsOf(pid)
  expect(facts).toContain('boot.py')
  expect(facts).not.toContain(token)
  expect(facts).not.toContain('a-key-of-mine')
  expect(await fetch(url).then(({ status }) => status)).toBe(200)
  await notebook.session.terminate()
  expect([isAlive(pid), folders()]).toEqual([false, []])
  await expect(notebook.session.jupyterUrl).rejects.toMatchObject({ code: 'session-ended' })
  expect(JSON.stringify((await notebook.log()).events)).not.toContain(token)
})

test('one that was killed is told of by the next url; with the run it ends', async () => {
  const notebook = await startedNotebook()
  const first = await notebook.session.jupyterUrl
  const [pid = 0] = labProcesses(process.pid)
  process.kill(pid, 'SIGKILL')
  await until('another url', async () => (await notebook.session.jupyterUrl) !== first)
  const [second = 0] = labProcesses(process.pid)
  expect(second).not.toBe(pid)
  expect(folders()).toHaveLength(1)
  // Without a word to the session.
  await notebook.end()
  expect([isAlive(second), folders()]).toEqual([false, []])
})

test('with its process, also when that is killed: nothing is left', async () => {
  await using place = newPlace()
  const file = join(place.root, 'script.ts')
  writeFileSync(
    file,
    `import { createLocalNotebookSession } from ${JSON.stringify(join(repository, 'src/index.ts'))}
const session = await createLocalNotebookSession()
console.log(await session.jupyterUrl)
await session.exec('import time; time.sleep(600)')
`,
  )
  const started = place.script(file, { env: { TMPDIR: tmpdir() } })
  await until('the url', () => started.output.stdout.includes('token='), 120_000)
  const url = started.output.stdout.trim()
  const asked = await place.seer(['jupyter', '--session', 's1']).ended
  expect(asked.stdout.trim()).toBe(url)
  const wrong = await place.seer(['jupyter', '--session', 's7']).ended
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringMatching(/no notebook session "s7"[^]*There is: s1\./)])
  const [pid = 0] = labProcesses(started.pid)
  const [folder = ''] = folders()
  expect([isAlive(pid), existsSync(join(tmpdir(), folder, 'copy/notebook.ipynb'))]).toEqual([true, true])
  process.kill(started.pid, 'SIGKILL')
  await until('the end of JupyterLab', () => !isAlive(pid))
  expect(existsSync(join(tmpdir(), folder))).toBe(false)
})

test('where it cannot be installed, it says so', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'seer-t-'))
  symlinkSync(join(cacheRoot(), 'tools'), join(cache, 'tools'))
  const nowhere = {
    UV_DEFAULT_INDEX: 'http://127.0.0.1:9/simple',
    UV_INDEX: '',
    UV_NO_CACHE: '1',
    UV_HTTP_RETRIES: '0',
  }
  const env = { PATH: process.env['PATH'], HOME: cache, SEER_CACHE: cache, PIP_CONFIG_FILE: '/dev/null', ...nowhere }
  await expect(ensureJupyter({ env })).rejects.toMatchObject({
    message: expect.stringMatching(/^JupyterLab cannot be made ready: /),
    hint: expect.stringMatching(/The session goes on without it\.$/),
  })
})
