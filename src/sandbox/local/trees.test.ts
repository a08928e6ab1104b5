import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { newFolder } from '../../../test/fixtures/memory-run.ts'
import type { TreeEntry } from '../backend.ts'
import { putInside } from './put-tree.ts'
import { takeInside } from './take-tree.ts'

let root: string
let outside: string
beforeEach(() => {
  // In a folder of its own, so that what leads out of it is seen.
  root = join(newFolder(), 'root')
  mkdirSync(root)
  outside = newFolder()
  writeFileSync(join(outside, 'secret'), 'secret')
})

async function taken(path = '', signal?: AbortSignal): Promise<TreeEntry[]> {
  const entries: TreeEntry[] = []
  for await (const entry of takeInside(root, path, signal)) entries.push(entry)
  return entries.sort((one, two) => (one.path < two.path ? -1 : 1))
}
const said = (entries: TreeEntry[]) =>
  entries.map((entry) => (entry.kind === 'other' ? `${entry.path}: ${entry.why}` : `${entry.path} (${entry.kind})`))

async function textOf(entry: TreeEntry | undefined): Promise<string> {
  if (entry?.kind !== 'file') throw new Error(`${entry?.path} is no file`)
  const chunks: Uint8Array[] = []
  for await (const chunk of entry.read()) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}
async function readWhole(path: string, during: (chunk: Uint8Array) => void): Promise<void> {
  for await (const entry of takeInside(root, path, undefined))
    if (entry.kind === 'file') for await (const chunk of entry.read()) during(chunk)
}
const file = (path: string, text: string): TreeEntry => ({
  kind: 'file',
  path,
  bytes: text.length,
  isExecutable: false,
  read: () => ReadableStream.from([Buffer.from(text)]),
})

describe('what is taken', () => {
  test('a tree: folders, files, empty ones, who may be executed, and the text of links', async () => {
    mkdirSync(join(root, 'a/b/empty'), { recursive: true })
    writeFileSync(join(root, 'a/run.sh'), 'x', { mode: 0o755 })
    writeFileSync(join(root, 'a/b/none'), '')
    symlinkSync('../b', join(root, 'a/b/link'))
    expect(await taken()).toMatchObject([
      { kind: 'folder', path: 'a' },
      { kind: 'folder', path: 'a/b' },
      { kind: 'folder', path: 'a/b/empty' },
      { kind: 'link', path: 'a/b/link', target: '../b' },
      { kind: 'file', path: 'a/b/none', bytes: 0, isExecutable: false },
      { kind: 'file', path: 'a/run.sh', bytes: 1, isExecutable: true },
    ])
    expect(said(await taken('a/b'))).toEqual(['empty (folder)', 'link (link)', 'none (file)'])
    expect(said(await taken('a/run.sh'))).toEqual([' (file)'])
  })

  test('a folder comes before what is in it, and a file’s bytes can be asked for twice', async () => {
    mkdirSync(join(root, 'z/y'), { recursive: true })
    writeFileSync(join(root, 'z/y/a'), 'text')
    const order: string[] = []
    const texts: string[] = []
    for await (const entry of takeInside(root, '', undefined)) {
      order.push(entry.path)
      if (entry.kind === 'file') texts.push(await textOf(entry), await textOf(entry))
    }
    expect([order, texts]).toEqual([
      ['z', 'z/y', 'z/y/a'],
      ['text', 'text'],
    ])
  })

  test('links are never followed, whatever they lead to', async () => {
    symlinkSync('/etc/passwd', join(root, 'file'))
    symlinkSync(outside, join(root, 'folder'))
    symlinkSync('loop', join(root, 'loop'))
    expect((await taken()).map(({ kind }) => kind)).toEqual(['link', 'link', 'link'])
    for (const path of ['file', 'folder', 'folder/secret', 'loop', '../x', '/etc'])
      await expect(taken(path)).rejects.toMatchObject({ code: 'file-outside' })
    await expect(taken('none')).rejects.toMatchObject({ code: 'file-missing' })
  })

  test('pipes, sockets and names that are not text are told, and nothing waits for them', async () => {
    execFileSync('mkfifo', [join(root, 'pipe')])
    const server = createServer().listen(join(root, 's'))
    await new Promise((listening) => server.once('listening', listening))
    writeFileSync(Buffer.concat([Buffer.from(`${root}/n`), Buffer.from([0xff])]), 'x')
    symlinkSync(Buffer.from([0xff]), join(root, 'l'))
    expect(said(await taken())).toEqual([
      'l: it is a link to a name that is not text',
      'n\ufffd: its name is not text',
      'pipe: it is a pipe',
      's: it is a socket',
    ])
    await expect(taken('pipe')).rejects.toMatchObject({ code: 'file-missing', message: /it is a pipe/ })
    server.close()
  })

  test('names that do something elsewhere are names', async () => {
    const names = ['-rf', '$(touch x)', '..a', '\u001b[31mred', 'a\\b', 'line\nbreak', '\u202eabc', 'é'.repeat(127)]
    for (const name of names) writeFileSync(join(root, name), name)
    expect((await taken()).map(({ path }) => path)).toEqual(names.sort())
    for await (const entry of takeInside(root, 'line\nbreak', undefined))
      expect(await textOf(entry)).toBe('line\nbreak')
  })

  test('what is nested deeper than anyone needs ends, with few files open', async () => {
    execFileSync('python3', ['-c', 'import os\nfor _ in range(3000): os.mkdir("d"); os.chdir("d")'], { cwd: root })
    const entries = await taken()
    expect(entries.length).toBe(100)
    expect(said(entries).at(-1)).toMatch(/d: it lies deeper than 100 folders$/)
    execFileSync('rm', ['-r', root])
  })

  test('long names on long ways are told', async () => {
    let at = root
    for (let i = 0; i < 9; i++) {
      at = join(at, 'x'.repeat(250))
      mkdirSync(at)
    }
    expect(said(await taken()).at(-1)).toMatch(/its path is longer than 2048 bytes$/)
  })

  test('nothing stays open, also where the reader stops in the middle', async () => {
    for (let i = 0; i < 5; i++) mkdirSync(join(root, `a${i}/b/c`), { recursive: true })
    writeFileSync(join(root, 'a0/b/f'), 'x'.repeat(3_000_000))
    const open = () => readdirSync('/proc/self/fd').length
    const before = open()
    for await (const entry of takeInside(root, '', undefined)) if (entry.path.endsWith('b')) break
    for await (const entry of takeInside(root, 'a0', undefined)) {
      if (entry.kind !== 'file') continue
      for await (const _ of entry.read()) break
    }
    await taken('a0/b/f')
    await expect(taken('', AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' })
    expect(open()).toBe(before)
  })
})

test('an entry is not read after its turn: its folder may be another one by then', async () => {
  writeFileSync(join(root, 'f'), 'x')
  await expect(textOf((await taken())[0])).rejects.toThrow('after it was let go')
})

describe('what changes while it is taken', () => {
  test('a folder that becomes a link: nothing outside is seen', async () => {
    mkdirSync(join(root, 'd/below'), { recursive: true })
    mkdirSync(join(outside, 'below'))
    writeFileSync(join(outside, 'below/secret'), 'secret')
    const paths: string[] = []
    for await (const entry of takeInside(root, '', undefined)) {
      paths.push(entry.path)
      if (entry.path !== 'd') continue
      renameSync(join(root, 'd'), join(root, 'was'))
      symlinkSync(outside, join(root, 'd'))
    }
    expect(paths).toContain('d/below')
    expect(paths.filter((path) => path.includes('secret'))).toEqual([])
  })

  test('a file that becomes a link, a pipe, or nothing, before it is read', async () => {
    for (const become of [
      (path: string) => symlinkSync(join(outside, 'secret'), path),
      (path: string) => void execFileSync('mkfifo', [path]),
      () => undefined,
    ]) {
      writeFileSync(join(root, 'f'), 'own')
      for await (const entry of takeInside(root, '', undefined)) {
        rmSync(join(root, 'f'))
        become(join(root, 'f'))
        await expect(textOf(entry)).rejects.toMatchObject({ code: 'file-missing' })
      }
      rmSync(join(root, 'f'), { force: true })
    }
  })

  test('a file that is written to while it is read says so, and is not read for ever', async () => {
    const path = join(root, 'log')
    writeFileSync(path, 'x'.repeat(2_500_000))
    let bytes = 0
    const read = readWhole('log', (chunk) => {
      bytes += chunk.byteLength
      appendFileSync(path, 'y'.repeat(1_500_000))
    })
    await expect(read).rejects.toMatchObject({ code: 'file-changed' })
    expect(bytes).toBe(2_500_000)
  })

  test('a file that is cut off while it is read ends there', async () => {
    const path = join(root, 'cut')
    writeFileSync(path, 'x'.repeat(2_500_000))
    await expect(readWhole('cut', () => truncateSync(path, 10))).rejects.toMatchObject({ code: 'file-changed' })
  })
})

describe('what is put', () => {
  const owner = process.getuid?.() === 0 ? 4242 : null

  test('files, folders and links with their owner; a file that is there is replaced', async () => {
    writeFileSync(join(root, 'a'), 'old')
    await putInside(
      root,
      'in/here',
      [
        { kind: 'folder', path: 'empty' },
        file('x/y/1', 'one'),
        file('x/y/2', 'two'),
        file('x/3', 'three'),
        { ...file('run', '#!'), isExecutable: true } as TreeEntry,
        { kind: 'link', path: 'x/link', target: '/etc/passwd' },
      ],
      owner,
    )
    await putInside(root, 'a', [file('', 'new')], owner)
    const at = join(root, 'in/here')
    expect(readdirSync(at, { recursive: true }).map(String).sort()).toEqual([
      'empty',
      'run',
      'x',
      'x/3',
      'x/link',
      'x/y',
      'x/y/1',
      'x/y/2',
    ])
    expect([readFileSync(join(at, 'x/y/2'), 'utf8'), readFileSync(join(root, 'a'), 'utf8')]).toEqual(['two', 'new'])
    expect([statSync(join(at, 'run')).mode & 0o777, statSync(join(at, 'x/3')).mode & 0o777]).toEqual([0o755, 0o644])
    expect(readlinkSync(join(at, 'x/link'))).toBe('/etc/passwd')
    const owners = ['in', 'in/here/x', 'in/here/x/3', 'in/here/x/link', 'a'].map(
      (path) => lstatSync(join(root, path)).uid,
    )
    expect(new Set(owners)).toEqual(new Set([owner ?? process.getuid?.()]))
  })

  test.each([
    ['through a link to a folder', 'link/new'],
    ['through a folder behind one', 'link/deep/new'],
    ['above', '../new'],
    ['above, inside', 'a/../../new'],
    ['elsewhere', '/etc/new'],
  ])('nothing is put %s', async (_, path) => {
    symlinkSync(outside, join(root, 'link'))
    await expect(putInside(root, path, [file('', 'x')], null)).rejects.toMatchObject({ code: 'file-outside' })
    await expect(putInside(root, '', [file(path, 'x')], null)).rejects.toMatchObject({ code: 'file-outside' })
    expect(readdirSync(outside)).toEqual(['secret'])
    expect([readdirSync(join(root, '..')), existsSync('/etc/new')]).toEqual([['root'], false])
  })

  test('a link that one entry makes is not followed by the next', async () => {
    const entries: TreeEntry[] = [{ kind: 'link', path: 'd', target: outside }, file('d/new', 'x')]
    await expect(putInside(root, '', entries, null)).rejects.toMatchObject({ code: 'file-outside' })
    expect(readdirSync(outside)).toEqual(['secret'])
  })

  test('a link that is there is replaced and not written through', async () => {
    symlinkSync(join(outside, 'secret'), join(root, 'f'))
    await putInside(root, 'f', [file('', 'own')], null)
    expect(readFileSync(join(outside, 'secret'), 'utf8')).toBe('secret')
    expect(lstatSync(join(root, 'f')).isFile()).toBe(true)
  })

  test('a folder in the way, a file on the way, and what breaks off: told, and nothing is left', async () => {
    mkdirSync(join(root, 'folder'))
    writeFileSync(join(root, 'file'), 'x')
    await expect(putInside(root, 'folder', [file('', 'x')], null)).rejects.toMatchObject({ code: 'file-in-the-way' })
    await expect(putInside(root, 'file/below', [file('', 'x')], null)).rejects.toMatchObject({ code: 'file-missing' })
    const broken: TreeEntry = {
      ...(file('new', 'x') as Extract<TreeEntry, { kind: 'file' }>),
      async *read() {
        yield await Promise.resolve(Buffer.from('half'))
        throw new Error('broken off')
      },
    }
    await expect(putInside(root, '', [broken], null)).rejects.toThrow('broken off')
    expect(readdirSync(root).sort()).toEqual(['file', 'folder'])
  })

  test('a folder that is there keeps its rights', async () => {
    mkdirSync(join(root, 'private'), { mode: 0o700 })
    chmodSync(join(root, 'private'), 0o700)
    await putInside(root, 'private/new', [{ kind: 'folder', path: '' }], null)
    expect([statSync(join(root, 'private')).mode & 0o777, statSync(join(root, 'private/new')).mode & 0o777]).toEqual([
      0o700, 0o755,
    ])
  })
})
