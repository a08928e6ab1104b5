import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test, vi } from 'vitest'
import { newFolder } from '../../../test/fixtures/memory-run.ts'
import { localTree } from './local-tree.ts'

let root: string
let outside: string
beforeEach(() => {
  root = newFolder()
  outside = newFolder()
  mkdirSync(join(root, 'data/part'), { recursive: true })
  writeFileSync(join(root, 'data/table.csv'), 'a,b\n')
  writeFileSync(join(root, 'data/part/run.sh'), '#!', { mode: 0o755 })
  writeFileSync(join(outside, 'file'), 'elsewhere')
})

async function entriesOf(path: string): Promise<{ said: string[]; leftOut: string[] }> {
  const said: string[] = []
  const leftOut: string[] = []
  for await (const entry of localTree(path, { onLeftOut: (left) => leftOut.push(left) })) {
    if (entry.kind !== 'file') {
      said.push(`${entry.path}/`)
      continue
    }
    const pieces: Uint8Array[] = []
    for await (const piece of entry.read()) pieces.push(piece)
    said.push(`${entry.path}${entry.isExecutable ? '*' : ''}: ${Buffer.concat(pieces).toString()}`)
  }
  return { said, leftOut }
}

test('a folder, itself first, in the order of names; a file; an empty folder', async () => {
  expect((await entriesOf(join(root, 'data'))).said).toEqual(['/', 'part/', 'part/run.sh*: #!', 'table.csv: a,b\n'])
  expect((await entriesOf(join(root, 'data/table.csv'))).said).toEqual([': a,b\n'])
  mkdirSync(join(root, 'none'))
  expect((await entriesOf(join(root, 'none'))).said).toEqual(['/'])
})

test('links that stay inside come as what they lead to, and so does the folder’s own name', async () => {
  symlinkSync('table.csv', join(root, 'data/link'))
  symlinkSync(join(root, 'data/part'), join(root, 'data/way'))
  symlinkSync(join(root, 'data'), join(root, 'named'))
  expect((await entriesOf(join(root, 'named'))).said).toEqual([
    '/',
    'link: a,b\n',
    'part/',
    'part/run.sh*: #!',
    'table.csv: a,b\n',
    'way/',
    'way/run.sh*: #!',
  ])
})

test.each<[string, () => string, RegExp]>([
  ['out of it', () => join(outside, 'file'), /the link part\/link leads out of it, to .*file/],
  ['to a folder beside it', () => outside, /leads out of it/],
  ['to where it lies', () => '..', /leads to a folder that it lies in/],
  ['nowhere', () => 'absent', /leads nowhere/],
  ['to itself', () => 'link', /leads nowhere/],
])('a link that leads %s is refused, by its name', async (_, target, said) => {
  symlinkSync(target(), join(root, 'data/part/link'))
  const code = 'local-file-link'
  await expect(entriesOf(join(root, 'data'))).rejects.toMatchObject({ code, message: said })
})

test('two links that lead to each other’s folders end', async () => {
  mkdirSync(join(root, 'data/other'))
  symlinkSync('../other', join(root, 'data/part/there'))
  symlinkSync('../part', join(root, 'data/other/back'))
  await expect(entriesOf(join(root, 'data'))).rejects.toMatchObject({ code: 'local-file-link' })
})

test('files of keys stay behind, also under another name; one that is asked for by name is taken', async () => {
  for (const name of ['.env', 'part/.env.local', '.env.example', '.environment'])
    writeFileSync(join(root, 'data', name), 'KEY=1')
  symlinkSync('.env', join(root, 'data/keys'))
  const { said, leftOut } = await entriesOf(join(root, 'data'))
  expect(leftOut.sort()).toEqual(['.env', 'keys', 'part/.env.local'])
  expect(said.filter((line) => line.includes('KEY'))).toEqual(['.env.example: KEY=1', '.environment: KEY=1'])
  expect((await entriesOf(join(root, 'data/.env'))).said).toEqual([': KEY=1'])
})

test('the folder in which Seer makes the copy is not copied into itself', async () => {
  vi.stubEnv('XDG_STATE_HOME', join(root, 'data/state'))
  mkdirSync(join(root, 'data/state/seer/sandboxes'), { recursive: true })
  const { said, leftOut } = await entriesOf(join(root, 'data'))
  vi.unstubAllEnvs()
  expect([leftOut, said.filter((line) => line.includes('state'))]).toEqual([['state/seer'], ['state/']])
})

test('what is neither a file nor a folder, or not there', async () => {
  execFileSync('mkfifo', [join(root, 'data/pipe')])
  await expect(entriesOf(join(root, 'data'))).rejects.toMatchObject({ code: 'local-file-kind', message: /data\/pipe/ })
  await expect(entriesOf(join(root, 'absent'))).rejects.toMatchObject({
    code: 'local-file-missing',
    hint: /start at the current folder/,
  })
})

/** Root may read everything: then as somebody else, who owns what the test made. */
async function asOrdinaryUser(body: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return body()
  const nobody = 65534
  execFileSync('chown', ['-hR', `${nobody}:${nobody}`, root])
  process.seteuid!(nobody)
  try {
    await body()
  } finally {
    process.seteuid!(0)
  }
}

test('what may not be read, by its name', async () => {
  await asOrdinaryUser(async () => {
    chmodSync(join(root, 'data/table.csv'), 0)
    const code = 'local-file-unreadable'
    await expect(entriesOf(join(root, 'data'))).rejects.toMatchObject({ code, message: /table\.csv/ })
    chmodSync(join(root, 'data/part'), 0)
    await expect(entriesOf(join(root, 'data'))).rejects.toMatchObject({ code, message: /part/ })
  })
})
