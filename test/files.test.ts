/** Files of the researcher in a sandbox, and files of a sandbox on this machine, while its code does what it likes. */
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { readGivenFiles } from '../src/environment/files/files-record.ts'
import type { SandboxConfig } from '../src/environment/sandbox-config.ts'
import { Sandbox } from '../src/environment/sandbox.ts'
import { SeerError } from '../src/errors.ts'
import { newFolder, newRun } from './fixtures/memory-run.ts'
import { attempt, ownState, startTried, type Tried } from './fixtures/walled.ts'

let root: string
let data: string
beforeAll(() => {
  root = ownState()
  data = join(newFolder(), 'the-hypothesis')
  mkdirSync(join(data, 'deep/empty'), { recursive: true })
  writeFileSync(join(data, 'table.csv'), 'a,b\n1,2\n')
  writeFileSync(join(data, 'deep/run.sh'), '#!/bin/sh\necho ran\n', { mode: 0o755 })
  writeFileSync(join(data, '.env'), 'KEY=1')
})
afterAll(() => {
  rmSync(root, { recursive: true })
  vi.unstubAllEnvs()
})
const q = (text: string) => JSON.stringify(text)
const tree = `import os
def tree(folder): print(sorted(os.path.relpath(os.path.join(r, n), folder) for r, ds, fs in os.walk(folder) for n in ds + fs))`

describe('localFiles and localDirs', () => {
  let one: Tried
  const table = () => join(data, 'table.csv')
  beforeAll(async () => {
    one = await startTried({
      unconfined: false,
      localFiles: [
        [table(), '/workspace/in/data/table.csv'],
        [table(), 'named.csv'],
        [table(), '/sandbox/path.txt'],
      ],
      localDirs: [
        [data, '/workspace/in/data'],
        [data, '/data/set'],
      ],
    })
  })
  afterAll(() => one[Symbol.asyncDispose]())

  test('are where they were asked for before any code runs, with who may be executed, and without keys', async () => {
    const all = `'deep', 'deep/empty', 'deep/run.sh', 'table.csv'`
    for (const folder of ['in/data', '/data/set']) {
      expect(await one.says(`${tree}\ntree(${q(folder)})`)).toBe(`[${all}]`)
      expect(
        await one.says(
          `import subprocess; print(subprocess.run([${q(`${folder}/deep/run.sh`)}], capture_output=True, text=True).stdout)`,
        ),
      ).toBe('ran')
    }
    for (const path of ['named.csv', '/sandbox/path.txt', '/workspace/in/data/table.csv'])
      expect(await one.says(`print(repr(open(${q(path)}).read()))`)).toBe(String.raw`'a,b\n1,2\n'`)
  })

  test('the agent’s code may change those in the workspace, and none of the others', async () => {
    expect(
      await one.says(
        attempt(
          `open('in/data/table.csv', 'a').write('x'); os.unlink('named.csv'); open('in/data/new', 'w'); return True`,
        ),
      ),
    ).toBe('reached')
    for (const path of ['/data/set/table.csv', '/sandbox/path.txt', '/data/set/new', '/data/new', '/sandbox/new'])
      expect([path, await one.says(attempt(`open(${q(path)}, 'a').write('x'); return True`))]).toEqual([
        path,
        'refused',
      ])
    expect(await one.says(attempt(`os.rename('/data/set/deep', '/data/set/other'); return True`))).toBe('refused')
    expect(readFileSync(table(), 'utf8')).toBe('a,b\n1,2\n')
  })

  test('nothing inside tells where they lie on this machine', async () => {
    const mounts = await one.says(`print(open('/proc/self/mountinfo').read())`)
    expect(mounts).toContain('/data/set')
    for (const name of ['the-hypothesis', 'table.csv', realpathSync(data)]) expect(mounts).not.toContain(name)
  })

  test('the run says which bytes it was given', () => {
    const given = readGivenFiles(one.run.folder)
    expect(given.map(({ to, files, leftOut }) => [to, files, leftOut])).toEqual([
      ['/workspace/in/data', 2, ['.env']],
      ['/data/set', 2, ['.env']],
      ['/workspace/in/data/table.csv', 1, undefined],
      ['named.csv', 1, undefined],
      ['/sandbox/path.txt', 1, undefined],
    ])
    expect(new Set(given.filter(({ files }) => files === 1).map(({ sha256 }) => sha256)).size).toBe(1)
    expect(given[0]!.sha256).toBe(given[1]!.sha256)
  })
})

test('without a wall: in the workspace, also by its usual name; elsewhere is refused', async () => {
  const table = join(data, 'table.csv')
  expect(await refusal({ unconfined: true, localFiles: [[table, '/data/table.csv']] })).toEqual(['capability-missing'])
  await using open = await startTried({ unconfined: true, localFiles: [[table, '/workspace/in/table.csv']] })
  expect(await open.says(`print(len(open('in/table.csv').read()))`)).toBe('8')
})

test.each<[string, () => SandboxConfig, string]>([
  ['is not there', () => ({ localFiles: [[join(data, 'none'), 'x']] }), 'local-file-missing'],
  ['is a link out of the folder', () => ({ localDirs: [[linked(), 'x']] }), 'local-file-link'],
  [
    'is to lie where the system does',
    () => ({ localFiles: [[join(data, 'table.csv'), '/usr/x']] }),
    'local-file-target',
  ],
])('what %s is refused, and nothing is left', async (_, config, code) => {
  expect(await refusal(config())).toEqual([code])
})

const linked = () => {
  const folder = newFolder()
  symlinkSync('/etc', join(folder, 'out'))
  return folder
}

/** The code of the error, and what it has left. */
async function refusal(config: SandboxConfig): Promise<unknown[]> {
  const before = sandboxes()
  const run = newRun()
  try {
    await using _ = await Sandbox.start({ unconfined: true, ...config }, { run, progress: () => undefined })
    return ['it started']
  } catch (error) {
    return [error instanceof SeerError ? error.code : error, ...sandboxes().filter((name) => !before.includes(name))]
  } finally {
    await run.end('failed')
  }
}

function sandboxes(): string[] {
  const folder = join(root, 'state/seer/sandboxes')
  return existsSync(folder) ? readdirSync(folder) : []
}

describe('a sandbox that runs', () => {
  let one: Tried
  beforeAll(async () => void (one = await startTried({ unconfined: false })))
  afterAll(() => one[Symbol.asyncDispose]())

  test('ensureDir: with its parents, and the agent’s code may write there; no link is followed', async () => {
    await one.sandbox.ensureDir('/workspace/outputs/a/b')
    await one.sandbox.ensureDir('outputs/a')
    await one.says(
      `open('/workspace/outputs/a/b/x', 'w').write('x'); import os; os.symlink('/etc', 'way'); os.mknod('plain')`,
    )
    for (const path of ['way/new', '/etc/new', '../new'])
      await expect(one.sandbox.ensureDir(path)).rejects.toMatchObject({ code: 'file-outside', hint: /exec/ })
    await expect(one.sandbox.ensureDir('plain/new')).rejects.toMatchObject({ code: 'file-missing' })
  })

  test('upload and download: there and back, whole', async () => {
    const up = await one.sandbox.upload(data, 'up')
    expect(up).toMatchObject({ files: 2, leftOut: ['.env'] })
    await one.says(`open('up/made', 'w').write('inside'); open('up/table.csv', 'a').write('3,4\\n')`)
    const back = join(newFolder(), 'back')
    expect(await one.sandbox.download('/workspace/up', back)).toMatchObject({ files: 3, skipped: [], changed: [] })
    const listed = readdirSync(back, { recursive: true }).map(String).sort()
    expect(listed).toEqual(['deep', 'deep/empty', 'deep/run.sh', 'made', 'table.csv'])
    expect(readFileSync(join(back, 'table.csv'), 'utf8')).toBe('a,b\n1,2\n3,4\n')
    expect(lstatSync(join(back, 'made')).uid).toBe(process.getuid?.())
    expect(readGivenFiles(one.run.folder).at(-1)).toMatchObject({ from: data, to: 'up', files: 2, sha256: up.sha256 })
  })

  test(
    'folders that become links while they are taken: nothing of this machine is seen',
    { timeout: 300_000 },
    async () => {
      const needle = `needle-${process.pid}-${Date.now()}`
      const outside = newFolder()
      for (const name of ['a', 'b', 'c']) writeFileSync(join(outside, name), needle)
      await one.says(`
import ctypes, os, threading
os.makedirs('race/d')
for name in 'abc': open('race/d/' + name, 'w').write('own')
os.symlink(${q(outside)}, 'race/lead')
exchange = lambda: ctypes.CDLL(None).renameat2(-100, b'race/d', -100, b'race/lead', 2)
def swap():
    while not os.path.exists('stop'): exchange()
threading.Thread(target=swap, daemon=True).start()`)
      const into = newFolder()
      const seen = { seer: new Set<string>(), naive: new Set<string>() }
      const note = (folder: string, where: Set<string>) => {
        for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
          if (entry.isFile()) where.add(readFileSync(join(entry.parentPath, entry.name), 'utf8'))
      }
      for (let i = 0; i < 150; i++) {
        await one.sandbox.download('race', join(into, `${i}`))
        note(join(into, `${i}`), seen.seer)
        await one.sandbox.upload(join(data, 'table.csv'), 'race/d/up').catch(() => undefined)
        try {
          cpSync(join(one.places.sources, 'workspace/race/d'), join(into, `naive-${i}`), {
            recursive: true,
            dereference: true,
          })
          note(join(into, `naive-${i}`), seen.naive)
        } catch {
          // It was away at that moment.
        }
      }
      const snapshot = await one.sandbox.snapshot('a race')
      await one.says(`open('stop', 'w').close()`)
      note(join(snapshot.path, 'blobs'), seen.seer)
      expect(seen.seer).toContain('own')
      expect(seen.seer).not.toContain(needle)
      expect(readdirSync(outside).sort()).toEqual(['a', 'b', 'c'])
      // The control: a plain copy is led astray.
      expect(seen.naive).toContain(needle)
    },
  )
})
