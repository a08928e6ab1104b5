import { symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { collector } from '../../test/collector.ts'
import { bareMachine, stateOfTest, type BareMachine } from '../../test/fixtures/bare-machine.ts'
import { snapshotsFolder } from '../environment/snapshot/store.ts'
import { listSnapshotsCommand, removeSnapshotsCommand, showSnapshotCommand } from './snapshots.ts'

let state: Disposable
let one: BareMachine
beforeEach(async () => {
  state = stateOfTest()
  one = await bareMachine({ secrets: { TOKEN: 'hush-hush-hush' } })
})
afterEach(async () => {
  await one[Symbol.asyncDispose]()
  state[Symbol.dispose]()
})

async function said(command: (options: object) => number | Promise<number>, json = false) {
  const out = collector(120)
  const code = await command({ json, out, color: false })
  return { code, text: out.text, lines: out.text.trimEnd().split('\n') }
}
const parsed = (lines: string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>)

test('none', async () => {
  expect((await said(listSnapshotsCommand)).text).toMatch(/There are no snapshots in /)
  expect(parsed((await said(listSnapshotsCommand, true)).lines)).toEqual([
    { run: null, folder: snapshotsFolder(), status: 'ok', snapshots: 0, problems: 0 },
  ])
})

test('the list, newest first; a damaged one is told, and is a problem', async () => {
  writeFileSync(join(one.workspace, 'f'), 'text')
  const first = await one.save('first')
  const second = await one.save('second')
  const { code, lines } = await said(listSnapshotsCommand)
  expect([code, lines.map((line) => line.split(/ {2,}/).slice(0, 2))]).toEqual([
    0,
    [
      [second.id, 'second'],
      [first.id, 'first'],
    ],
  ])
  expect(lines[0]).toContain('1 file, 4 bytes')
  truncateSync(join(first.path, 'snapshot.json'), 9)
  const damaged = await said(listSnapshotsCommand, true)
  expect(parsed(damaged.lines)).toMatchObject([
    { snapshot: second.id, status: 'ok', name: 'second', files: 1, bytes: 4, run: one.run.id },
    { snapshot: first.id, status: 'damaged', problem: /cannot be read/ },
    { status: 'problem', snapshots: 2, problems: 1 },
  ])
  expect([damaged.code, (await said(listSnapshotsCommand)).text]).toEqual([1, expect.stringContaining('damaged')])
})

test('one: what is in it; names of files and of itself do nothing to the terminal', async () => {
  writeFileSync(join(one.workspace, 'two\nlines\u001b[2J\u202e'), 'x')
  symlinkSync('/etc', join(one.workspace, 'link'))
  const { id } = await one.save('name\u001b[31m\nred')
  for (const { text } of [await said((options) => showSnapshotCommand(id, options)), await said(listSnapshotsCommand)])
    expect(text).not.toMatch(/[^\P{Cc}\n]|\u202e/u)
  const { text } = await said((options) => showSnapshotCommand(id, options))
  for (const part of [id, one.run.id, '2 packages', 'TOKEN', 'two lines', 'link', 'every byte as it was saved'])
    expect(text).toContain(part)
  expect(text).toMatch(/^files {8}1 file, /m)
  const [document, last] = parsed((await said((options) => showSnapshotCommand(id, options), true)).lines)
  expect(document).toMatchObject({ id, files: [{ path: 'libraries' }, { path: 'link' }, { kind: 'file' }] })
  expect(last).toMatchObject({ run: null, status: 'ok', snapshot: id })
})

test('a damaged one is not shown; removed are all that were named, or none', async () => {
  writeFileSync(join(one.workspace, 'f'), 'text')
  const first = await one.save('first')
  const second = await one.save('second')
  await expect(said((options) => showSnapshotCommand('none', options))).rejects.toMatchObject({
    code: 'snapshot-unknown',
  })
  await expect(said((options) => removeSnapshotsCommand([first.id, 'none'], options))).rejects.toThrow('none')
  expect((await said(listSnapshotsCommand)).lines).toHaveLength(2)
  const { text } = await said((options) => removeSnapshotsCommand([first.id, 'first', 'second'], options))
  expect(text).toBe(`Removed ${first.id}.\nRemoved ${second.id}.\n`)
  expect((await said(listSnapshotsCommand)).text).toMatch(/no snapshots/)
})
