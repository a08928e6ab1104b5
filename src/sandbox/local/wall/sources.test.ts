import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../../../test/fixtures/memory-run.ts'
import { copySeer, linkModel } from './sources.ts'

test('a model: the same bytes without its name, and links of a hub’s cache as files', async () => {
  const root = newFolder()
  const model = join(root, 'models--acme--secret')
  mkdirSync(join(model, 'part'), { recursive: true })
  writeFileSync(join(root, 'blob'), 'weights')
  symlinkSync('../blob', join(model, 'model.safetensors'))
  writeFileSync(join(model, 'part/config.json'), '{}')
  writeFileSync(join(model, '.seer-ready.json'), '{"name":"secret"}')
  const linked = await linkModel(model, join(root, 'm0'))
  expect(linked).toEqual({ source: join(root, 'm0'), isNamed: false, files: [] })
  expect(readdirSync(linked.source).sort()).toEqual(['model.safetensors', 'part'])
  expect(statSync(join(linked.source, 'model.safetensors')).ino).toBe(statSync(join(root, 'blob')).ino)
  expect(existsSync(join(linked.source, 'part/config.json'))).toBe(true)
})

test('a model that cannot be read or linked is mounted as it is, and said to be named', async () => {
  const root = newFolder()
  const gone = join(root, 'gone')
  expect(await linkModel(gone, join(root, 'm0'))).toEqual({ source: gone, isNamed: true, files: [] })
})

test('a hub’s cache that cannot be linked is mounted file by file: its own links would lead nowhere inside', async () => {
  const root = newFolder()
  mkdirSync(join(root, 'snapshot/part'), { recursive: true })
  writeFileSync(join(root, 'blob'), 'weights')
  symlinkSync('../blob', join(root, 'snapshot/a'))
  symlinkSync('../gone', join(root, 'snapshot/b'))
  writeFileSync(join(root, 'snapshot/part/c'), 'c')
  const { isNamed, files } = await linkModel(join(root, 'snapshot'), join(root, 'm0'))
  expect(isNamed).toBe(true)
  expect([...files].sort((one, two) => one.name.localeCompare(two.name))).toEqual([
    { name: 'a', source: join(root, 'blob') },
    { name: 'part/c', source: join(root, 'snapshot/part/c') },
  ])
})

test.runIf(process.getuid?.() === 0)(
  'root: a file that only root may read is refused, but opened where Seer made it',
  async () => {
    const root = newFolder()
    for (const name of ['theirs', 'ours']) {
      mkdirSync(join(root, name))
      writeFileSync(join(root, name, 'weights'), 'w', { mode: 0o600 })
    }
    writeFileSync(join(root, 'ours/.seer-ready.json'), '{}')
    await expect(linkModel(join(root, 'theirs'), join(root, 'm0'))).rejects.toMatchObject({ code: 'model-unreadable' })
    await linkModel(join(root, 'ours'), join(root, 'm1'))
    expect(statSync(join(root, 'm1/weights')).mode & 0o777).toBe(0o644)
  },
)

test('of Seer’s Python only what runs inside, readable by others', async () => {
  const root = newFolder()
  const python = join(root, 'python')
  for (const part of [
    'seer_kernel',
    'seer_spawner',
    'seer_interface',
    'seer_client',
    'seer_host',
    'seer_setup',
    'tests',
  ])
    mkdirSync(join(python, part), { recursive: true })
  for (const name of ['boot.py', 'seer_kernel/main.py', 'seer_host/host.py', 'pyproject.toml'])
    writeFileSync(join(python, name), name, { mode: 0o600 })
  chmodSync(join(python, 'seer_kernel'), 0o700)
  await copySeer(python, join(root, 'p'))
  expect(readdirSync(join(root, 'p')).sort()).toEqual([
    'boot.py',
    'seer_client',
    'seer_interface',
    'seer_kernel',
    'seer_spawner',
  ])
  expect(readFileSync(join(root, 'p/seer_kernel/main.py'), 'utf8')).toBe('seer_kernel/main.py')
  expect(statSync(join(root, 'p/seer_kernel/main.py')).mode & 0o777).toBe(0o644)
  expect(statSync(join(root, 'p/seer_kernel')).mode & 0o777).toBe(0o755)
})
