import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { collector } from '../../test/collector.ts'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { environmentId } from '../environment/build-environment.ts'
import { composeRequirements } from '../environment/requirements.ts'
import { listEnvironmentsCommand, removeEnvironmentsCommand } from './env.ts'

const PYTHON = { version: '3.12.1', platform: 'linux-x86_64-glibc' }
const HOUR = 3_600_000
let folder: string
let env: NodeJS.ProcessEnv
let environments: string
beforeEach(() => {
  folder = temporaryFolder()
  environments = join(folder, 'cache/environments')
  mkdirSync(environments, { recursive: true })
  const python = join(folder, 'python')
  const said = JSON.stringify({ executable: python, ...PYTHON, hasPip: true })
  writeFileSync(python, `#!/bin/sh\necho '${said}'\n`)
  chmodSync(python, 0o755)
  env = {
    ...process.env,
    SEER_CACHE: join(folder, 'cache'),
    SEER_PYTHON: python,
    XDG_STATE_HOME: join(folder, 'state'),
  }
})

/** As a build leaves it. */
function made(id: string, usedHoursAgo = 24): string {
  const path = join(environments, id)
  mkdirSync(join(path, 'bin'), { recursive: true })
  writeFileSync(join(path, 'bin/python'), '')
  writeFileSync(join(path, 'pyvenv.cfg'), 'home = /usr/bin\nversion_info = 3.12.1\n')
  writeFileSync(join(path, 'env.lock'), 'a==1\n')
  writeFileSync(join(path, '.seer-ready.json'), JSON.stringify({ id, packages: 87, megabytes: 1638 }))
  const used = new Date(Date.now() - usedHoursAgo * HOUR)
  utimesSync(join(path, '.seer-ready.json'), used, used)
  return id
}

function broken(id: string): string {
  made(id)
  rmSync(join(environments, id, 'bin/python'))
  symlinkSync('/none/python', join(environments, id, 'bin/python'))
  return id
}

async function said(command: (options: object) => Promise<number>, json = false) {
  const out = collector(120)
  const code = await command({ json, out, color: false, env })
  return { code, text: out.text, lines: out.text.trimEnd().split('\n') }
}
const remove = (ids: string[], options: object = {}) =>
  said((given) => removeEnvironmentsCommand(ids, { ...given, ...options }), true)

/** What builds leave that were killed, and what one has made so far. */
function leftovers() {
  const [living, dead] = ['aaaa.building-1-12345678', 'bbbb.building-1-12345678']
  const lock = { startedAt: '', host: hostname(), token: '' }
  writeFileSync(join(environments, 'aaaa.lock'), JSON.stringify({ ...lock, pid: process.pid }))
  writeFileSync(join(environments, 'bbbb.lock'), JSON.stringify({ ...lock, pid: 4194305 }))
  for (const name of [living, dead, 'cccccccccccccccc']) {
    mkdirSync(join(environments, name))
    writeFileSync(join(environments, name, 'half'), 'x'.repeat(2_000_000))
  }
  return { living, dead, unfinished: 'cccccccccccccccc' }
}

const folders = () =>
  readdirSync(environments)
    .filter((name) => !name.endsWith('.lock'))
    .sort()

test('none', async () => {
  expect((await said(listEnvironmentsCommand)).text).toBe(`There are no environments in ${environments}.\n`)
})

test('the list: the one used last comes first, and the standard one is marked', async () => {
  const standard = made(environmentId(await composeRequirements(), PYTHON), 48)
  made('0123456789abcdef', 1)
  leftovers()
  const { lines, code } = await said(listEnvironmentsCommand)
  expect(code).toBe(0)
  expect(lines).toEqual([
    '0123456789abcdef',
    expect.stringMatching(/^ {4}87 packages · 1\.6 GB · Python 3\.12\.1 · used .* UTC · made .* UTC$/),
    `${standard}  the standard one`,
    expect.stringContaining('87 packages'),
    'aaaa.building-1-12345678  being made',
    expect.stringMatching(/^ {4}\d\.\d MB$/),
    'bbbb.building-1-12345678  not finished',
    expect.anything(),
    'cccccccccccccccc  not finished',
    expect.anything(),
    `5 environments, 3.3 GB, in ${environments}`,
  ])
  const json = (await said(listEnvironmentsCommand, true)).lines.map((line) => JSON.parse(line) as object)
  expect(json).toHaveLength(6)
  expect(json[0]).toMatchObject({
    environment: '0123456789abcdef',
    status: 'ready',
    packages: 87,
    megabytes: 1638,
    python: '3.12.1',
    isStandard: false,
    sandboxes: [],
  })
  expect(json.at(-1)).toMatchObject({ run: null, folder: environments, status: 'ok', environments: 5 })
})

test('unused ones: old ones and leftovers go; the standard one, one just used and one being made stay', async () => {
  const standard = made(environmentId(await composeRequirements(), PYTHON), 48)
  const old = made('1111111111111111')
  const justUsed = made('2222222222222222', 0.1)
  const { living, dead, unfinished } = leftovers()
  const { code, lines } = await remove([], { unused: true })
  expect(code).toBe(0)
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ removed: [old, dead, unfinished], kept: [] })
  expect(folders()).toEqual([standard, justUsed, living].sort())
  expect((await said((given) => removeEnvironmentsCommand([], { ...given, unused: true }))).text).toBe(
    'There is nothing to remove.\n',
  )
})

test('by ids, or enough of their beginnings, also the standard one', async () => {
  const standard = made(environmentId(await composeRequirements(), PYTHON), 0)
  made('0123456789abcdef')
  const { code, lines } = await remove(['0123', standard, '0123456789abcdef'])
  expect(code).toBe(0)
  expect(JSON.parse(lines.at(-1)!)).toMatchObject({ removed: ['0123456789abcdef', standard], megabytes: 3276 })
  expect(folders()).toEqual([])
})

test('one that cannot be chosen: nothing is removed', async () => {
  made('0123456789abcdef')
  made('0123ffffffffffff')
  const { living } = leftovers()
  const outside = join(folder, 'outside')
  mkdirSync(outside)
  symlinkSync(outside, join(environments, 'dddddddddddddddd'))
  const ids = ['0123', 'nothing', '', '..', '../outside', 'dddddddddddddddd', living]
  for (const id of ids) {
    await expect(remove(['0123456789abcdef', id])).rejects.toMatchObject({
      code: id === living ? 'environment-used' : 'environment-unknown',
    })
  }
  await expect(remove([])).rejects.toMatchObject({ code: 'invalid-options' })
  await expect(remove(['0123456789abcdef'], { unused: true })).rejects.toMatchObject({ code: 'invalid-options' })
  expect(folders()).toHaveLength(6)
  expect(existsSync(outside)).toBe(true)
})

test('one whose Python is gone is told, and is of no use', async () => {
  const id = broken('3333333333333333')
  expect((await said(listEnvironmentsCommand)).lines[0]).toBe(`${id}  its Python is gone`)
  expect(JSON.parse((await remove([], { unused: true })).lines.at(-1)!)).toMatchObject({ removed: [id] })
})
