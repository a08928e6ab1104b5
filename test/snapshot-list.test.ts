/** Which snapshots there are, by their ids and names. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bareMachine, stateOfTest, type BareMachine } from './fixtures/bare-machine.ts'
import { newFolder } from './fixtures/memory-run.ts'
import { contents, restored } from './fixtures/restored.ts'
import { findSnapshot, listSnapshots, removeSnapshot, snapshotsFolder } from '../src/environment/snapshot/store.ts'

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

describe('the list', () => {
  test('newest first; a name that two have is no name', async () => {
    const [first, second, third] = [await one.save('same'), await one.save('same'), await one.save('other')]
    expect(listSnapshots().map(({ id }) => id)).toEqual([third, second, first].map(({ id }) => id))
    expect(() => findSnapshot('same')).toThrow(
      expect.objectContaining({ code: 'snapshot-ambiguous', hint: expect.stringContaining(first.id) as string }),
    )
    for (const name of ['none', 'sn-0000000000', './none', ''])
      expect(() => findSnapshot(name)).toThrow(expect.objectContaining({ code: 'snapshot-unknown' }))
    removeSnapshot('other')
    expect(listSnapshots()).toHaveLength(2)
  })

  test('one that lies elsewhere can be used, and is not removed', async () => {
    const { path } = await one.save()
    const elsewhere = join(newFolder(), 'given')
    renameSync(path, elsewhere)
    expect(await restored(elsewhere)).toEqual(contents(one.workspace))
    expect(() => removeSnapshot(elsewhere)).toThrow(expect.objectContaining({ code: 'snapshot-unknown' }))
    expect(existsSync(elsewhere)).toBe(true)
  })

  test('what dead processes left half done is not listed, and goes with the next one that is saved', async () => {
    await one.save()
    const { pid } = await new Promise<{ pid: number }>((resolve) => {
      const child = spawn('true')
      child.once('exit', () => resolve({ pid: child.pid! }))
    })
    const host = hostname()
    const half = (name: string) => mkdirSync(join(snapshotsFolder(), name, 'blobs'), { recursive: true })
    const names = [
      `.unfinished-${host}-${pid}-a`,
      `.unfinished-${host}-${process.pid}-b`,
      `.unfinished-elsewhere-${pid}-c`,
    ]
    names.forEach(half)
    expect(listSnapshots()).toHaveLength(1)
    await one.save()
    expect(listSnapshots()).toHaveLength(2)
    expect(
      readdirSync(snapshotsFolder())
        .filter((name) => name.startsWith('.'))
        .sort(),
    ).toEqual(names.slice(1).sort())
  })
})
