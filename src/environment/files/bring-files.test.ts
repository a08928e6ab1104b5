import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bareMachine, stateOfTest } from '../../../test/fixtures/bare-machine.ts'
import { newFolder } from '../../../test/fixtures/memory-run.ts'
import { openSnapshot } from '../snapshot/open-snapshot.ts'
import { bringFiles } from './bring-files.ts'
import { checkLocalPlaces } from './local-places.ts'

test('what the configuration names comes after a snapshot’s files; nothing comes where Python lies', async () => {
  using _ = stateOfTest()
  await using one = await bareMachine()
  for (const name of ['a', 'b']) writeFileSync(join(one.workspace, name), 'saved')
  const from = await openSnapshot(await one.save())
  const file = join(newFolder(), 'file')
  writeFileSync(file, 'from here')
  const python = fakePython()
  await using two = await bareMachine()
  const bring = async (to: string) => {
    const places = await checkLocalPlaces({ localFiles: [[file, to]], localDirs: [] }, { isConfined: true })
    const local = { machine: two.machine, keepForMount: () => Promise.resolve('/kept') }
    return bringFiles({ places, from }, { run: two.run, local, python, signal: two.run.signal })
  }
  expect(await bring('/workspace/a')).toEqual([])
  expect(['a', 'b'].map((name) => readFileSync(join(two.workspace, name), 'utf8'))).toEqual(['from here', 'saved'])
  expect(await bring('/data/x')).toEqual([{ source: '/kept', target: '/data/x' }])
  const base = join(python, '../../../base')
  for (const to of [join(base, 'lib/x'), base, join(base, '..')])
    await expect(bring(to)).rejects.toMatchObject({ code: 'local-file-target' })
})

/** Of an environment whose interpreter has a folder of its own. */
function fakePython(): string {
  // Not in /tmp, which nothing can be mounted on anyway.
  const root = mkdtempSync('/var/tmp/seer-')
  onTestFinished(() => rmSync(root, { recursive: true }))
  for (const folder of ['base/bin', 'environment/bin']) mkdirSync(join(root, folder), { recursive: true })
  writeFileSync(join(root, 'base/bin/python3'), '')
  writeFileSync(join(root, 'environment/pyvenv.cfg'), `home = ${join(root, 'base/bin')}\n`)
  symlinkSync(join(root, 'base/bin/python3'), join(root, 'environment/bin/python'))
  return join(root, 'environment/bin/python')
}
