/** What is kept of a sandbox's files, whatever the agent's code made of them, and what is made of a snapshot that was tampered with. */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bareMachine, LOCK, stateOfTest, type BareMachine } from './fixtures/bare-machine.ts'
import { newFolder } from './fixtures/memory-run.ts'
import { until } from './fixtures/processes.ts'
import { contents, restored } from './fixtures/restored.ts'
import { readEvents } from '../src/run/log-reader.ts'
import { openSnapshot } from '../src/environment/snapshot/open-snapshot.ts'
import { digestOf, type Snapshot, type SnapshotRecord } from '../src/environment/snapshot/snapshot.ts'
import { listSnapshots, removeSnapshot, snapshotsFolder } from '../src/environment/snapshot/store.ts'

let state: Disposable
let one: BareMachine
beforeEach(async () => {
  state = stateOfTest()
  one = await bareMachine()
})
afterEach(async () => {
  await one[Symbol.asyncDispose]()
  state[Symbol.dispose]()
})

const inside = (path: string) => join(one.workspace, path)
const recordFile = (snapshot: Snapshot) => join(snapshot.path, 'snapshot.json')
const recordOf = (snapshot: Snapshot) =>
  JSON.parse(readFileSync(recordFile(snapshot), 'utf8')) as SnapshotRecord & { digest: string }

/** As somebody would who knows how it is made. */
function rewrite(snapshot: Snapshot, change: (record: SnapshotRecord) => unknown): void {
  const { digest: _, ...record } = recordOf(snapshot)
  change(record)
  writeFileSync(recordFile(snapshot), JSON.stringify({ digest: digestOf(record), ...record }))
}

describe('what is saved', () => {
  test('comes back: files, empty ones, folders, links as they are, odd names, who may be executed', async () => {
    mkdirSync(inside('a/b/empty'), { recursive: true })
    writeFileSync(inside('a/run'), '#!', { mode: 0o755 })
    writeFileSync(inside('a/b/bytes'), randomBytes(3_000_000))
    writeFileSync(inside('none'), '')
    symlinkSync('/etc/passwd', inside('out'))
    symlinkSync('a/b', inside('in'))
    for (const name of ['two\nlines', '-rf', '\u001b[31mred', 'ü😀', 'x'.repeat(255), '__proto__'])
      writeFileSync(inside(name), name)
    const before = contents(one.workspace)
    const snapshot = await one.save()
    expect(snapshot).toMatchObject({ name: 'a name', files: 9, skipped: [], run: one.run.id, sandbox: one.machine.id })
    expect(await restored(snapshot)).toEqual(before)
    expect(await restored(snapshot.id)).toEqual(before)
    expect(await restored('a name')).toEqual(before)
    expect(await restored(snapshot.path)).toEqual(before)
  })

  test('is the same for any tree', { timeout: 60_000 }, async () => {
    const name = fc
      .string({ minLength: 1, maxLength: 20, unit: 'binary' })
      .filter((text) => text.isWellFormed() && !/[/\0]/.test(text) && !/^\.{1,2}$/.test(text) && text !== 'libraries')
    const entry = fc.record({
      path: fc.array(name, { minLength: 1, maxLength: 4 }),
      content: fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.string(), fc.constant(undefined)),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (entries) => {
        await using source = await bareMachine()
        for (const { path, content } of entries) {
          const target = join(source.workspace, ...path)
          try {
            mkdirSync(content === undefined ? target : join(target, '..'), { recursive: true })
            if (typeof content === 'string') symlinkSync(content || '.', target)
            else if (content) writeFileSync(target, content)
          } catch {
            // Two entries that cannot both be.
          }
        }
        const before = contents(source.workspace)
        expect(await restored(await source.save())).toEqual(before)
      }),
      { numRuns: 30 },
    )
  })

  test('the record: environment, secrets by name, and the event', async () => {
    await using other = await bareMachine({ secrets: { TOKEN: 'hush-hush-hush' } })
    writeFileSync(join(other.workspace, 'f'), 'x')
    const snapshot = await other.save('after set-up')
    const record = recordOf(snapshot)
    expect(record).toMatchObject({ format: 1, experiment: 'test', seed: 0, models: [], secrets: ['TOKEN'], cells: [] })
    expect(record.environment).toMatchObject({ id: 'e1', lock: LOCK })
    const { events } = await readEvents(join(other.run.folder, 'events.jsonl'))
    expect(events.find(({ type }) => type === 'snapshot-save')).toMatchObject({
      snapshot: snapshot.id,
      name: 'after set-up',
      files: 1,
      bytes: 1,
      sandbox: other.machine.id,
    })
  })

  test('the same bytes are stored once', async () => {
    for (let i = 0; i < 20; i++) writeFileSync(inside(`f${i}`), 'same')
    const { path } = await one.save()
    expect(readdirSync(join(path, 'blobs'))).toHaveLength(1)
  })

  test('what a session makes anew is left out, and the agent’s own is not', async () => {
    for (const folder of ['.ipython/profile', '.matplotlib', '.seer-saved', 'libraries/__pycache__', '.packages/bin'])
      mkdirSync(inside(folder), { recursive: true })
    const own = [
      '.ipython/profile/x',
      '.matplotlib/x',
      '.seer-saved/x',
      'libraries/__pycache__/x',
      'libraries/helpers.py',
    ]
    const kept = ['.packages/bin/tool', 'libraries/mine.py', 'x.ipython', 'libraries/other/helpers.py']
    mkdirSync(inside('libraries/other'))
    for (const path of [...own, ...kept, '.packages/bin/pip', '.packages/pyvenv.cfg']) writeFileSync(inside(path), 'x')
    one.run.emit({
      type: 'session-start',
      by: 'system',
      session: 's1',
      sandbox: one.machine.id,
      kind: 'notebook',
      toolsVersion: '1',
      libraries: [{ name: 'helpers', sha256: 'a'.repeat(64) }],
      models: [],
    })
    const files = recordOf(await one.save()).files.filter(({ kind }) => kind === 'file')
    expect(files.map(({ path }) => path)).toEqual(kept.sort())
  })
})

describe('what is not saved', () => {
  test('pipes and sockets, and names that are not text, are told', async () => {
    execFileSync('mkfifo', [inside('pipe')])
    writeFileSync(Buffer.concat([Buffer.from(inside('n')), Buffer.from([0xff])]), 'x')
    const { skipped } = await one.save()
    expect([...skipped].sort((a, b) => (a.path < b.path ? -1 : 1))).toEqual([
      { path: 'n\ufffd', why: 'its name is not text' },
      { path: 'pipe', why: 'it is a pipe' },
    ])
    const { events } = await readEvents(join(one.run.folder, 'events.jsonl'))
    expect(events.at(-1)).toMatchObject({
      type: 'notice-add',
      code: 'snapshot-incomplete',
      text: /"pipe": it is a pipe/,
    })
  })

  test.each([
    ['too many', { maxFiles: 10 }, /more than 10 files/],
    ['a sparse file of 10 GB', {}, /more than 8\.6 GB/],
    ['too large', { maxBytes: 99 }, /more than 99 bytes/],
  ])('%s: an error, and nothing is left', async (what, limits, said) => {
    for (let i = 0; i < 20; i++) writeFileSync(inside(`f${i}`), 'xxxxx')
    if (what.includes('sparse')) truncateSync(inside('f0'), 10_000_000_000)
    await expect(one.save('x', limits)).rejects.toMatchObject({ code: 'snapshot-too-large', message: said })
    expect(readdirSync(snapshotsFolder())).toEqual([])
  })

  test('secrets: hidden in text, and what has one in its name or is too large is left out', async () => {
    const secret = 'hush-hush-hush'
    await using other = await bareMachine({ secrets: { TOKEN: secret } })
    const at = (path: string) => join(other.workspace, path)
    writeFileSync(at('plain'), `key: ${secret}`)
    writeFileSync(at('base64'), Buffer.from(secret).toString('base64'))
    writeFileSync(at('harmless'), 'nothing')
    writeFileSync(at(`${secret}.txt`), 'x')
    symlinkSync(secret, at('link'))
    // Where two pieces of 1 MiB meet.
    writeFileSync(
      at('large'),
      Buffer.concat([Buffer.alloc(70 * 1024 * 1024 - 5, 'a'), Buffer.from(secret), Buffer.alloc(99)]),
    )
    const snapshot = await other.save(`with ${secret}`)
    const { files, name } = recordOf(snapshot)
    expect(name).toBe('with [secret TOKEN]')
    const noted = files.flatMap((file) => ('note' in file ? [`${file.path}: ${file.note}`] : []))
    expect(noted).toEqual(['base64: secrets are hidden in it', 'plain: secrets are hidden in it'])
    expect([...snapshot.skipped].map(({ path, why }) => `${path}: ${why}`).sort()).toEqual([
      '[secret TOKEN].txt: its name holds a secret',
      'large: it holds a secret, and is too large to have it hidden',
      'link: it leads to a secret',
    ])
    const forms = [secret, Buffer.from(secret).toString('base64')].flatMap((form) => ['-e', form])
    const found = (folder: string) => spawnSync('grep', ['-rlaF', ...forms, folder], { encoding: 'utf8' }).stdout
    expect([found(snapshot.path), found(other.run.folder)]).toEqual(['', ''])
    // The control: that search finds it.
    expect(found(other.workspace).trim().split('\n')).toHaveLength(3)
  })

  test('a name that says nothing', async () => {
    for (const name of ['', '  ', 'x'.repeat(201)])
      await expect(one.save(name)).rejects.toMatchObject({ code: 'invalid-options' })
  })
})

describe('files that change', () => {
  test('one that is written to while it is read is taken as far as it was, and marked', async () => {
    const path = inside('log')
    writeFileSync(path, Buffer.alloc(30 * 1024 * 1024, 'x'))
    const writer = spawn('python3', ['-c', `f = open(${JSON.stringify(path)}, 'ab', 0)\nwhile True: f.write(b'y')`])
    await until('the writer', () => statSync(path).size > 30 * 1024 * 1024)
    const record = recordOf(await one.save())
    writer.kill('SIGKILL')
    const [log] = record.files.filter((file) => file.path === 'log')
    expect(log).toMatchObject({ kind: 'file', note: 'changed while it was read' })
    expect('bytes' in log! && log.bytes).toBeGreaterThanOrEqual(30 * 1024 * 1024)
  })

  test('a tree that is rearranged meanwhile gives a snapshot that can be restored', async () => {
    for (let i = 0; i < 200; i++) {
      mkdirSync(inside(`d${i}/e`), { recursive: true })
      writeFileSync(inside(`d${i}/e/f`), String(i))
    }
    let n = 0
    const mover = setInterval(() => {
      n += 1
      const from = inside(`d${n % 200}`)
      if (!existsSync(from)) return
      if (n % 3 === 0) rmSync(from, { recursive: true })
      else renameSync(from, inside(`moved${n}`))
      if (n % 2) symlinkSync('/etc', from)
    }, 0)
    const snapshot = await one.save()
    clearInterval(mover)
    const names = recordOf(snapshot).files.map(({ path }) => path.split('/').at(-1)!)
    expect(names.filter((name) => !/^(d\d+|moved\d+|e|f|libraries)$/.test(name))).toEqual([])
    expect((await restored(snapshot)).length).toBe(names.length)
  })
})

describe('a snapshot that is not as it was saved', () => {
  let snapshot: Snapshot
  const blobs = () => readdirSync(join(snapshot.path, 'blobs')).map((name) => join(snapshot.path, 'blobs', name))
  beforeEach(async () => {
    writeFileSync(inside('a'), 'the bytes of a')
    snapshot = await one.save()
  })

  test.each<[string, () => void, RegExp]>([
    ['a flipped byte', () => writeFileSync(blobs()[0]!, 'The bytes of a'), /the file "a" holds other bytes/],
    ['a file that is longer', () => appendFileSync(blobs()[0]!, 'x'), /"a" holds other bytes/],
    ['a file that is shorter', () => truncateSync(blobs()[0]!, 3), /"a" holds other bytes/],
    ['a missing file', () => rmSync(blobs()[0]!), /"a" is missing/],
    ['all files missing', () => rmSync(join(snapshot.path, 'blobs'), { recursive: true }), /"a" is missing/],
    [
      'a link to the same bytes',
      () => {
        const elsewhere = join(newFolder(), 'x')
        renameSync(blobs()[0]!, elsewhere)
        symlinkSync(elsewhere, join(snapshot.path, 'blobs', recordedHash()))
      },
      /"a" is missing/,
    ],
    [
      'a pipe in the place of a file',
      () => {
        const [blob] = blobs()
        rmSync(blob!)
        execFileSync('mkfifo', [blob!])
      },
      /"a" is missing/,
    ],
    ['no record', () => rmSync(recordFile(snapshot)), /cannot be read/],
    ['half a record', () => truncateSync(recordFile(snapshot), 100), /cannot be read/],
    ['another word in the record', () => edit('"a name"', '"b name"'), /is not what was written/],
    ['another format', () => rewrite(snapshot, (record) => Object.assign(record, { format: 2 })), /format 2/],
  ])('%s: refused', async (_, damage, said) => {
    const path = snapshot.path
    damage()
    const open = openSnapshot(existsSync(recordFile(snapshot)) ? path : snapshot.id)
    await expect(open).rejects.toMatchObject({ code: 'snapshot-damaged', message: said })
  })

  const recordedHash = () => recordOf(snapshot).files.flatMap((file) => ('sha256' in file ? [file.sha256] : []))[0]!
  const edit = (from: string, to: string) =>
    writeFileSync(recordFile(snapshot), readFileSync(recordFile(snapshot), 'utf8').replace(from, to))

  const file = (path: string) => ({ kind: 'file', path, bytes: 14, sha256: recordedHash(), isExecutable: false })
  test.each<[string, () => unknown[]]>([
    ['above', () => [file('../../x')]],
    ['above, inside', () => [file('a/../../x')]],
    ['from the root', () => [file('/etc/x')]],
    ['without a name', () => [file('')]],
    ['with an empty part', () => [file('a//b')]],
    ['with a zero byte', () => [file('a\0b')]],
    ['twice', () => [file('x'), file('x')]],
    ['in a file', () => [file('x'), file('x/y')]],
    ['in a link', () => [{ kind: 'link', path: 'x', target: '/etc' }, file('x/y')]],
    ['in a link, deeper', () => [file('x/y/z'), { kind: 'link', path: 'x', target: '/etc' }]],
    ['of another kind', () => [{ kind: 'device', path: 'x' }]],
    ['with a hash that is a path', () => [{ ...file('x'), sha256: '../../../etc/passwd' }]],
  ])('a record that somebody made, with a path %s, is refused', async (_, files) => {
    rewrite(snapshot, (record) => Object.assign(record, { files: files() }))
    await expect(openSnapshot(snapshot.path)).rejects.toMatchObject({ code: 'snapshot-damaged' })
  })

  test('a record that somebody made, of lists in lists without end, is refused as any other', async () => {
    const depth = 200_000
    writeFileSync(recordFile(snapshot), `{"digest":"x","format":1,"a":${'['.repeat(depth)}${']'.repeat(depth)}}`)
    await expect(openSnapshot(snapshot.path)).rejects.toMatchObject({ code: 'snapshot-damaged' })
  })

  test('words of somebody else’s record cannot act in a terminal', async () => {
    const acts = '\u009b31m\u202e'
    rewrite(snapshot, (record) => Object.assign(record, { files: [file(acts), file(acts)] }))
    const error = await openSnapshot(snapshot.path).catch((thrown: unknown) => thrown as Error)
    expect(error).toMatchObject({ code: 'snapshot-damaged', message: /comes twice/ })
    for (const acts of ['\u009b', '\u202e', '\u001b']) expect((error as Error).message).not.toContain(acts)
  })

  test('one that comes from elsewhere and names the same bytes again and again is refused', async () => {
    const elsewhere = join(newFolder(), 'copy')
    const large = { ...file('x'), bytes: 1024 ** 3 }
    rewrite(snapshot, (record) =>
      Object.assign(record, { files: Array.from({ length: 9 }, (_, i) => ({ ...large, path: `f${i}` })) }),
    )
    renameSync(snapshot.path, elsewhere)
    const refused = { code: 'snapshot-too-large', hint: expect.stringContaining(snapshotsFolder()) as string }
    await expect(openSnapshot(elsewhere)).rejects.toMatchObject({ ...refused, message: /than the 200,000 and/ })
  })

  test('one that has more bytes than the disk has room for is refused', async () => {
    const huge = { ...file('x'), bytes: 2 ** 52 }
    rewrite(snapshot, (record) => Object.assign(record, { files: [huge] }))
    await expect(openSnapshot(snapshot.path)).rejects.toMatchObject({ code: 'snapshot-too-large', message: /are free/ })
  })

  test('what Seer puts into each workspace is not taken from it', async () => {
    const own = ['.ipython', '.matplotlib', '.seer-saved', '.packages'].map((path) => ({ kind: 'folder', path }))
    const files = ['.ipython/startup.py', '.packages/pyvenv.cfg', '.seer-saved/v', 'mine'].map(file)
    rewrite(snapshot, (record) => Object.assign(record, { files: [...own, ...files] }))
    expect((await restored(snapshot)).map((line) => line.split('"')[1]!).sort()).toEqual([
      '.packages',
      'libraries',
      'mine',
    ])
  })

  test('it is listed as damaged, and can be removed', () => {
    truncateSync(recordFile(snapshot), 10)
    expect(listSnapshots()).toMatchObject([{ id: snapshot.id, record: undefined, problem: /cannot be read/ }])
    expect(removeSnapshot(snapshot.id)).toBe(snapshot.id)
    expect(readdirSync(snapshotsFolder())).toEqual([])
  })
})
