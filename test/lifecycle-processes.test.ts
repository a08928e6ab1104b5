/** Processes that have a sandbox one after the other: what each leaves to the next, and the records of all. */
import { globSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { newPlace, repository, type Place } from './fixtures/place.ts'
import { until } from './fixtures/processes.ts'
import { logOf } from './fixtures/run-folder.ts'

describe('processes one after the other', () => {
  const index = JSON.stringify(join(repository, 'src/index.ts'))
  const head = `import { attachNotebookSession, createNotebookSession, Sandbox, Workspace } from ${index}\n`

  function script(place: Place, name: string, body: string, id = '') {
    const file = join(place.root, name)
    writeFileSync(file, `${head}${body.replaceAll('ID', JSON.stringify(id))}`)
    return place.script(file)
  }
  const runOf = (place: Place, name: string) => place.runs().find((folder) => basename(folder).includes(name))!
  const idIn = (place: Place) => basename(place.sandboxes()[0]!)
  const FIRST = `const sandbox = await Sandbox.start()
    const session = await createNotebookSession(sandbox, new Workspace())
    await session.exec('open("kept.txt", "w").write("kept")')
    await sandbox.detach({ keep: 600 })`
  const SECOND = `await using sandbox = await Sandbox.attach(ID)
    await using session = await createNotebookSession(sandbox, new Workspace())
    console.log((await session.exec('print(open("kept.txt").read())')).text)`

  test('both have a record of their own, and both records hold', async () => {
    await using place = newPlace()
    expect(await script(place, 'one.ts', FIRST).ended).toMatchObject({ code: 0 })
    const gc = await place.seer(['gc', '--output-dir', place.outputs]).ended
    expect([gc.stdout, place.sandboxes().length]).toEqual(['Nothing to clean up.\n', 1])
    const second = await script(place, 'two.ts', SECOND, idIn(place)).ended
    expect([second.code, second.stdout]).toEqual([0, 'kept\n'])
    expect([place.sandboxes(), place.processes()]).toEqual([[], []])
    for (const name of ['-one-', '-two-']) {
      expect((await logOf(runOf(place, name))).status).toBe('completed')
      const check = await place.seer(['show', runOf(place, name), '--check', '--json']).ended
      expect([check.code, check.stdout.includes('"problems":0')]).toEqual([0, true])
    }
  })

  test('the second is killed in the middle: its run is recovered, and no other', async () => {
    await using place = newPlace()
    await script(place, 'one.ts', FIRST).ended
    const before = readFileSync(join(runOf(place, '-one-'), 'events.jsonl'), 'utf8')
    const id = idIn(place)
    const body = `const sandbox = await Sandbox.attach(ID)
      const session = await createNotebookSession(sandbox, new Workspace())
      await session.exec('import time\\nfor n in range(60): print("line", n, flush=True); time.sleep(0.05)\\nopen("done", "w")')`
    const second = script(place, 'two.ts', body, id)
    await until('its output', async () => (await logOf(runOf(place, '-two-') ?? '')).printed('c2').includes('line 3'))
    second.child.kill('SIGKILL')
    await second.ended
    const third = await script(place, 'three.ts', SECOND, id).ended
    expect([third.code, third.stderr]).toEqual([1, expect.stringContaining('crashed') as string])
    await until('the end of the cell', () => globSync('**/workspace/done', { cwd: place.state }).length > 0)
    await sleep(500)
    const gc = await place.seer(['gc', '--output-dir', place.outputs]).ended
    expect(gc.stdout).toContain('had crashed')
    const log = await logOf(runOf(place, '-two-'))
    expect(log.printed('c2').split('\n')).toHaveLength(61)
    expect([log.status, log.of('kernel-start').length, log.of('output-lost')]).toEqual(['crashed', 1, []])
    expect(readFileSync(join(runOf(place, '-one-'), 'events.jsonl'), 'utf8')).toBe(before)
    expect([place.sandboxes(), place.processes()]).toEqual([[], []])
  })

  /** Prints a part for each file that is made. */
  const LEAVES = `const sandbox = await Sandbox.start()
    const session = await createNotebookSession(sandbox, new Workspace())
    await session.exec('x = 41')
    const code = "import os, time\\nfor part in range(4):\\n  while not os.path.exists(f'go{part}'): time.sleep(0.01)\\n  for n in range(500): print('line', part * 500 + n, flush=True)"
    session.exec(code).catch(() => undefined)
    while (!sandbox.run.cell('s1', 'c3')) await new Promise((resolve) => setTimeout(resolve, 5))
    await sandbox.writeFile('go0', '')
    await sandbox.detach({ keep: 600 })`
  const GOES_ON = `const sandbox = await Sandbox.attach(ID)
    await using session = await attachNotebookSession(sandbox)
    await sandbox.writeFile('go1', '')
    await sandbox.detach({ keep: 600 })`
  const ENDS = `await using sandbox = await Sandbox.attach(ID)
    await using session = await attachNotebookSession(sandbox)
    for (const part of [2, 3]) await sandbox.writeFile('go' + part, '')
    const { cell, text } = await session.exec('print(x + 1)')
    console.log(session.sessionId, cell, text)`
  const LINES = Array.from({ length: 2000 }, (_, n) => `line ${n}\n`).join('')

  test('a session goes through three of them, with a cell that runs: each line is in one log, once', async () => {
    await using place = newPlace()
    expect(await script(place, 'one.ts', LEAVES).ended).toMatchObject({ code: 0 })
    const id = idIn(place)
    expect(await script(place, 'two.ts', GOES_ON, id).ended).toMatchObject({ code: 0 })
    const third = await script(place, 'three.ts', ENDS, id).ended
    expect([third.code, third.stdout]).toEqual([0, 's1 c4 42\n'])
    expect([place.sandboxes(), place.processes()]).toEqual([[], []])
    const logs = await Promise.all(['-one-', '-two-', '-three-'].map((name) => logOf(runOf(place, name))))
    expect(logs.map((log) => log.printed('c3')).join('')).toBe(LINES)
    for (const name of ['-one-', '-two-', '-three-']) {
      const check = await place.seer(['show', runOf(place, name), '--check', '--json']).ended
      expect([name, check.code, check.stdout.includes('"problems":0')]).toEqual([name, 0, true])
    }
    const shown = (await place.seer(['show', runOf(place, '-three-')]).ended).stdout
    expect(shown).toContain(`session s1 goes on from the run ${basename(runOf(place, '-two-'))}`)
    expect(shown).toContain(`began in the run ${basename(runOf(place, '-one-'))}`)
    expect((await place.seer(['show', runOf(place, '-one-')]).ended).stdout).toContain(
      'goes on: its sandbox was let go',
    )
  })

  test('the second is killed while a cell of the first goes on: what that still printed is saved into the second run', async () => {
    await using place = newPlace()
    await script(place, 'one.ts', LEAVES).ended
    const body = `const sandbox = await Sandbox.attach(ID)
      const session = await attachNotebookSession(sandbox)
      for (const part of [1, 2, 3]) await sandbox.writeFile('go' + part, '')
      await new Promise(() => setInterval(() => undefined, 1000))`
    const second = script(place, 'two.ts', body, idIn(place))
    await until('its output', async () =>
      (await logOf(runOf(place, '-two-') ?? '')).printed('c3').includes('line 600\n'),
    )
    second.child.kill('SIGKILL')
    await second.ended
    await sleep(1000)
    const gc = await place.seer(['gc', '--output-dir', place.outputs]).ended
    expect(gc.stdout).toContain('had crashed')
    const logs = await Promise.all(['-one-', '-two-'].map((name) => logOf(runOf(place, name))))
    expect(logs.map((log) => log.printed('c3')).join('')).toBe(LINES)
    expect(logs[1]!.of('cell-end')).toMatchObject([{ cell: 'c3', status: 'ok' }])
    expect([place.sandboxes(), place.processes()]).toEqual([[], []])
  })
})
