/** A machine on which nothing confines: the run is refused before it begins, unless that is typed; what is said of it then. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cell, script, toldOf } from './fixtures/agent-script.ts'
import { newPlace, plainExperiment, repository, type Place } from './fixtures/place.ts'
import { logOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

const bwrap = spawnSync('which', ['bwrap'], { encoding: 'utf8' }).stdout.trim()
const isRoot = process.getuid?.() === 0

/** In mounts of its own, in which bubblewrap is another program. Only root can make those. */
function seerWith(place: Place, program: string, args: readonly string[], env: Record<string, string> = {}) {
  const seer = [process.execPath, '--conditions=seer-source', join(repository, 'src/cli/main.ts'), ...args]
  const code = `mount --bind "$1" ${bwrap} && shift && exec "$@"`
  return spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', code, 'sh', program, ...seer], {
    cwd: place.root,
    env: { ...place.env, ...env },
    encoding: 'utf8',
  })
}

function programIn(place: Place, text: string): string {
  const path = join(place.root, 'other-bwrap')
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  return path
}

test.runIf(isRoot).each([
  ['bwrap: setting up uid map: Permission denied', /\(bwrap: setting up uid map: Permission denied\)/],
  ["bwrap: Can't mount proc on /newroot/proc: Operation not permitted", /a new \/proc cannot be mounted here/],
  ['bwrap: Unknown option --assert-userns-disabled', /too old/],
])('%s: no run, with the reason and what to do; doctor says the same', async (words, reason) => {
  await using place = newPlace()
  const program = programIn(place, `echo "${words}" >&2; exit 1`)
  const args = ['run', plainExperiment, '--provider', 'claude', '--output-dir', place.outputs]
  const env = { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' }
  const refused = seerWith(place, program, args, env)
  expect(refused.status).toBe(3)
  expect(refused.stderr).toMatch(reason)
  expect(refused.stderr).toContain('--unconfined')
  expect(refused.stderr).not.toMatch(/^\s+at /m)
  expect(place.runs()).toEqual([])
  const doctor = seerWith(place, program, ['doctor'])
  expect(doctor.stdout.replaceAll(/\s+/g, ' ')).toMatch(reason)
  expect(doctor.status).toBe(1)
})

const hasNamespaces = spawnSync('unshare', ['-r', 'true']).status === 0

test.runIf(hasNamespaces)(
  'root of a namespace that has nobody else: no run, with the reason and what to do',
  async () => {
    await using place = newPlace()
    const seer = [process.execPath, '--conditions=seer-source', join(repository, 'src/cli/main.ts')]
    const args = ['-r', ...seer, 'run', plainExperiment, '--provider', 'claude', '--output-dir', place.outputs]
    const env = { ...place.env, ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' }
    const refused = spawnSync('unshare', args, { cwd: place.root, env, encoding: 'utf8' })
    expect(refused.stderr).toContain('there is no such user in this user namespace')
    expect(refused.stderr).toContain('--unconfined')
    expect(refused.status).toBe(3)
    expect(place.runs()).toEqual([])
  },
)

test('--unconfined: the run goes on, and says so everywhere', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(script(cell('import os; print(os.getcwd())')))
  const { code, stdout } = await place.run(api.url, ['--unconfined']).ended
  expect(code).toBe(0)
  expect(stdout).toContain('NOT confined')
  expect(toldOf(api, 1)).toContain(place.state)
  const log = await logOf(place.runs()[0]!)
  expect(log.of('run-start')).toMatchObject([{ confinement: 'none' }])
  expect(log.of('sandbox-start')).toMatchObject([{ confinement: 'none' }])
})

test('by default: confined, and says so', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(script(cell('import os; print(os.getcwd())')))
  const { code, stdout } = await place.run(api.url).ended
  expect(code).toBe(0)
  expect(stdout).toContain('Sandbox: local, confined by bubblewrap')
  expect(toldOf(api, 1)).toContain('/workspace')
  expect(place.sandboxes()).toEqual([])
  expect(place.processes()).toEqual([])
})

const EXPERIMENT = `import { experiment, Sandbox, z } from 'seer-interp'
export default experiment({
  description: 'No wall.', params: z.strictObject({}), profiles: { embedded: {} },
  async run() { await using sandbox = await Sandbox.start({ unconfined: true }) },
})`

test('an experiment that takes the wall away is refused unless that is typed', async () => {
  await using place = newPlace()
  const folder = join(place.root, 'open')
  mkdirSync(folder)
  writeFileSync(join(folder, 'experiment.ts'), EXPERIMENT)
  const run = (args: string[]) =>
    place.seer(['run', folder, '--provider', 'claude', '--output-dir', place.outputs, ...args], {
      env: { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: 'http://127.0.0.1:9' },
    }).ended
  const refused = await run([])
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('started without --unconfined')
  expect(await run(['--unconfined'])).toMatchObject({ code: 0 })
})
