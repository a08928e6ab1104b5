/** A notebook session is left in its sandbox by one process, and another one goes on with it: in the same kernel. */
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { SandboxConfig } from '../src/environment/sandbox-config.ts'
import { Sandbox } from '../src/environment/sandbox.ts'
import { ScopedSandbox } from '../src/interface/scoped-sandbox.ts'
import { checkRun } from '../src/run/check.ts'
import { Run } from '../src/run/run.ts'
import { attachNotebookSession } from '../src/session/attach-notebook-session.ts'
import { createCliSession } from '../src/session/cli-session.ts'
import { createNotebookSession, type NotebookSession } from '../src/session/notebook-session.ts'
import { runTool } from '../src/tools/tool.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { kernelsOf } from './fixtures/kernels.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { logOf, notebookOf } from './fixtures/run-folder.ts'
import { KIT } from './fixtures/scoped.ts'
import { ownState } from './fixtures/walled.ts'

let root: string
const runs: Run[] = []
beforeEach(() => void (root = ownState()))
afterEach(async () => {
  for (const run of runs.splice(0)) {
    await run.end('completed')
    // Whatever a test does: what stands in the folder of each run agrees with its log.
    const { problems } = await checkRun(run.folder)
    if (problems.length > 0) throw new Error(`${run.folder}: ${JSON.stringify(problems)}`)
  }
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

function newRun(): Run {
  const run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
  runs.push(run)
  return run
}

const quiet = { progress: () => undefined }
const start = (config: SandboxConfig = {}, run = newRun()) => Sandbox.start(config, { run, ...quiet })
const again = (id: string, run = newRun()) => Sandbox.attach(id, { run, ...quiet })
const open = (sandbox: Sandbox, workspace = new Workspace({ preloadModels: false })) =>
  createNotebookSession(sandbox, workspace)
const says = async (session: NotebookSession, code: string) => (await session.exec(code)).text.trim()
const hostOf = (id: string) =>
  (JSON.parse(readFileSync(join(root, 'state/seer/sandboxes', id, 'host.json'), 'utf8')) as { pid: number }).pid
const refusalOf = (what: Promise<unknown>) =>
  what.then(
    () => ({ code: 'none', message: '', hint: '' }),
    (error: unknown) => error as { code: string; message: string; hint?: string },
  )
const aboutText = (run: Run) => String(notebookOf(run.folder).cells[0]!.source)

let calls = 0
async function call(session: NotebookSession, run: Run, name: string, input: object = {}): Promise<string> {
  const { emit, signal, storeArtifact } = run
  const context = { emit, signal, storeArtifact, by: 'agent:agent' as const }
  const { content } = await runTool(session.tools, { id: `call_${(calls += 1)}`, name, input }, context)
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
}

/** A cell that prints so many lines, then waits for a file before it prints more. */
const counts = (parts: number, lines = 2000) => `import os, time
for part in range(${parts}):
    while not os.path.exists(f'go{part}'): time.sleep(0.01)
    for n in range(${lines}): print(part * ${lines} + n, flush=True)`
const counted = (to: number) => Array.from({ length: to }, (_, n) => `${n}\n`).join('')

describe('what goes on', () => {
  test('a cell that runs and a thread: each line once over all logs, whoever takes the session up, and also where nobody does', async () => {
    const first = newRun()
    const sandbox = await start({}, first)
    const session = await open(sandbox)
    const late = `import threading
def late():
    for part in range(4):
        while not os.path.exists(f'go{part}'): time.sleep(0.01)
        for n in range(2000): print('late', part * 2000 + n, flush=True)
threading.Thread(target=late).start()`
    await says(session, `x = 41\nimport os, time\n${late}`)
    void session.exec(counts(4)).catch(() => undefined)
    await sandbox.writeFile('go0', '')
    await until('its first lines', async () => (await logOf(first.folder)).printed('c3').includes('\n1000\n'))
    await sandbox.writeFile('go1', '')
    await sandbox.detach()
    await session.terminate()

    // It has the sandbox, and not the session: what that prints is in the log all the same, with its author.
    const second = newRun()
    const between = await again(sandbox.sandboxId, second)
    const other = await open(between)
    expect(await says(other, '1')).toBe('1')
    await between.writeFile('go2', '')
    await until('some of it', async () => (await logOf(second.folder)).printed('c3').includes('\n5000\n'))
    await other.terminate()
    expect(between.sessionIds).toEqual(['s1'])
    await between.detach()

    const third = newRun()
    const last = await again(sandbox.sandboxId, third)
    const taken = await attachNotebookSession(last, 's1')
    await last.writeFile('go3', '')
    expect(await taken.exec('print(x + 1)')).toEqual({ cell: 'c4', status: 'ok', text: '42' })
    await until('the last of the thread', async () => (await logOf(third.folder)).printed('c2').includes('late 7999\n'))
    await last.terminate()

    const logs = await Promise.all([first, second, third].map(({ folder }) => logOf(folder)))
    expect(logs.map((log) => log.printed('c3')).join('')).toBe(counted(8000))
    expect(logs.map((log) => log.printed('c2')).join('')).toBe(counted(8000).replaceAll(/^(?=\d)/gm, 'late '))
    const seqs = logs.map((log) =>
      log.events.flatMap(({ session: of, kernel }) => (of === 's1' && kernel ? [kernel.seq] : [])),
    )
    expect(seqs.flat()).toEqual(seqs.flat().toSorted((a, b) => a - b))
    expect(Math.max(...seqs[0]!) < Math.min(...seqs[1]!) && Math.max(...seqs[1]!) < Math.min(...seqs[2]!)).toBe(true)
    expect(logs.map((log) => log.of('session-detach').map(({ session: of, cells }) => [of, cells]))).toEqual([
      [['s1', ['c3']]],
      [['s1', ['c3']]],
      [],
    ])
    const [, two, three] = logs
    for (const log of [two!, three!]) {
      const begun = log.of('cell-start').filter(({ session: of, cell }) => of === 's1' && cell !== 'c4')
      expect(begun.toSorted((a, b) => (a.cell! < b.cell! ? -1 : 1))).toMatchObject([
        { cell: 'c2', by: 'researcher', begun: { run: first.id, status: 'ok' } },
        { cell: 'c3', by: 'researcher', code: counts(4), begun: { run: first.id } },
      ])
      expect(begun.find(({ cell }) => cell === 'c3')!.begun).toEqual({ run: first.id })
      const authors = log
        .of('cell-output')
        .flatMap(({ session: of, by, cell }) => (of === 's1' && cell !== 'c4' ? [by] : []))
      expect(new Set(authors)).toEqual(new Set(['researcher']))
    }
    expect(three!.of('session-start')).toMatchObject([{ session: 's1', attached: { run: first.id } }])
    expect(three!.of('cell-end').map(({ cell, status }) => [cell, status])).toEqual([
      ['c3', 'ok'],
      ['c4', 'ok'],
    ])
    expect([first.cell('s1', 'c3')?.status, second.cell('s1', 'c3')?.status, third.cell('s1', 'c3')?.status]).toEqual([
      'detached',
      'detached',
      'ok',
    ])
    // A cell that had ended before is not counted again, and one that goes on is.
    expect([first, second, third].map(({ summary }) => summary.cells)).toMatchObject([
      { started: 2, ok: 1, detached: 1, unknown: 0, running: 0, hidden: 1 },
      { started: 2, ok: 1, detached: 1, unknown: 0, running: 0, hidden: 1 },
      { started: 2, ok: 2, unknown: 0, running: 0, hidden: 0 },
    ])
    for (const run of [first, second, third]) await run.end('completed')
    expect(aboutText(third)).toContain(`goes on with the session s1 of the run \`${first.id}\``)
    expect(JSON.stringify(notebookOf(first.folder))).toContain('this cell went on when its sandbox was let go')
    expect(JSON.stringify(notebookOf(third.folder))).toContain(`this cell began in the run ${first.id}`)
  })

  test('in the run that had it before: one log, in which the cell is one', async () => {
    const run = newRun()
    const sandbox = await start({}, run)
    const session = await open(sandbox)
    void session.exec(counts(2)).catch(() => undefined)
    await sandbox.writeFile('go0', '')
    await until('its first lines', async () => (await logOf(run.folder)).printed('c2').includes('\n1000\n'))
    await sandbox.detach()
    const next = await again(sandbox.sandboxId, run)
    const taken = await attachNotebookSession(next)
    await next.writeFile('go1', '')
    expect(await says(taken, '1')).toBe('1')
    await next.terminate()
    expect((await logOf(run.folder)).printed('c2')).toBe(counted(4000))
    expect(run.cell('s1', 'c2')).toMatchObject({ status: 'ok', begunIn: null })
    expect(run.summary.cells).toMatchObject({ started: 2, ok: 2, unknown: 0, running: 0 })
  })

  test('what an agent works with: it is told what there is, waits for the cell of before, and starts the kernel anew with its set-up', async () => {
    const workspace = new Workspace({ preloadModels: false, customInitCode: 'made_by_init = 7' })
    const sandbox = await start()
    const session = await createNotebookSession(sandbox, workspace, { tools: 'full' })
    void session.exec(counts(1)).catch(() => undefined)
    await until('its start', () => sandbox.run.cell('s1', 'c3') !== undefined)
    await sandbox.detach()

    const run = newRun()
    const next = await again(sandbox.sandboxId, run)
    const taken = await attachNotebookSession(next)
    expect(taken.modelInfoText).toContain(`goes on from the run \`${sandbox.run.id}\`. Its variables are there.`)
    expect(taken.modelInfoText).toContain('The cells c1 to c3 are of before')
    expect(taken.modelInfoText).toContain('c3 still runs: `wait_cell` waits for it.')
    expect(taken.tools.map(({ name }) => name)).toEqual(session.tools.map(({ name }) => name))
    expect(await call(taken, run, 'peek', { code: 'print("beside", made_by_init)' })).toContain('beside 7')
    await next.writeFile('go0', '')
    expect(await call(taken, run, 'wait_cell', { cell: 'c3' })).toMatch(/^\[c3\] ok\.\n0\n1\n/)
    expect(await call(taken, run, 'execute_code', { code: 'mine = 1' })).toContain('[c4] ok.')
    expect(await call(taken, run, 'restart_kernel')).toContain('anew (number 2)')
    expect(await call(taken, run, 'execute_code', { code: 'print(made_by_init, "mine" in dir())' })).toBe(
      '[c7] ok.\n7 False',
    )
    await next.detach()

    // The next generation is told on, too; and a third process can bring another workspace.
    const third = await again(sandbox.sandboxId)
    const other = new Workspace({ preloadModels: false, customInitCode: 'made_by_init = 8' })
    const last = await attachNotebookSession(third, 's1', { workspace: other, tools: 'default' })
    expect(last.modelInfoText).not.toContain(sandbox.run.id)
    expect([last.tools.length < taken.tools.length, await says(last, 'print(made_by_init)')]).toEqual([true, '7'])
    expect(await call(last, third.run, 'restart_kernel')).toContain('anew (number 3)')
    expect(await says(last, 'print(made_by_init)')).toBe('8')
    await third.terminate()
  })

  test('functions that it was given are refused in plain words, until its workspace is given again', async () => {
    const run = newRun()
    await using scoped = await ScopedSandbox.start({ pythonPackages: ['numpy'] }, { run, ...quiet })
    const workspace = new Workspace({ libraries: [await scoped.serve(KIT, { exposeAs: 'library', name: 'kit' })] })
    const sandbox = await start({}, run)
    const session = await open(sandbox, workspace)
    const ask = 'import kit\ntry: print(kit.add(1, 2))\nexcept Exception as error: print(error)'
    expect(await says(session, ask)).toBe('3.0')
    await sandbox.detach()
    const next = await again(sandbox.sandboxId, run)
    const bare = await attachNotebookSession(next)
    expect(await says(bare, ask)).toContain('nobody answers calls in this session any more')
    await next.detach()
    const third = await again(sandbox.sandboxId, run)
    expect(await says(await attachNotebookSession(third, 's1', { workspace }), ask)).toBe('3.0')
    await third.terminate()
  })

  test('one whose kernel was killed meanwhile: its variables are lost, and it is started anew', async () => {
    const sandbox = await start()
    const session = await open(sandbox)
    await says(session, 'x = 41')
    void session.exec(counts(1)).catch(() => undefined)
    await until('its start', () => sandbox.run.cell('s1', 'c3') !== undefined)
    await sandbox.detach()
    const [kernel, ...more] = kernelsOf(hostOf(sandbox.sandboxId))
    expect(more).toEqual([])
    process.kill(kernel!, 'SIGKILL')
    await until('its end', () => kernelsOf(hostOf(sandbox.sandboxId)).length === 0)

    const run = newRun()
    const next = await again(sandbox.sandboxId, run)
    const taken = await attachNotebookSession(next)
    expect(taken.modelInfoText).toContain('Its kernel has died meanwhile (killed by SIGKILL): all variables are lost.')
    expect(run.cell('s1', 'c3')?.status).toBe('died')
    expect(await refusalOf(taken.exec('x'))).toMatchObject({ code: 'kernel-dead' })
    // That it is dead is known also to whoever comes after this process.
    await next.detach()
    const third = await again(sandbox.sandboxId)
    const last = await attachNotebookSession(third)
    expect(last.modelInfoText).toContain('(killed by SIGKILL)')
    await call(last, third.run, 'restart_kernel')
    expect(await says(last, 'print("x" in dir())')).toBe('False')
    await third.terminate()
  })

  test('a secret in its set-up is written down nowhere: then its workspace must be given again', async () => {
    vi.stubEnv('A_SECRET', 'correct horse battery')
    const workspace = new Workspace({ preloadModels: false, customInitCode: 'key = "correct horse battery"' })
    const sandbox = await start({ secrets: ['A_SECRET'] })
    await says(await open(sandbox, workspace), 'other = "correct horse battery"')
    await sandbox.detach()
    const kept = readFileSync(join(root, 'state/seer/sandboxes', sandbox.sandboxId, 'sessions.json'), 'utf8')
    expect([kept.includes('other = '), kept.includes('correct horse')]).toEqual([true, false])
    const next = await again(sandbox.sandboxId)
    expect(await refusalOf(attachNotebookSession(next))).toMatchObject({ code: 'workspace-needed' })
    const taken = await attachNotebookSession(next, undefined, { workspace })
    await call(taken, next.run, 'restart_kernel')
    expect(await says(taken, 'print(len(key))')).toBe('21')
    await next.terminate()
  })
})

describe('what cannot be taken up, and why', () => {
  test('a sandbox that could not be had is as it was, with its session and what that printed meanwhile', async () => {
    const sandbox = await start()
    const session = await open(sandbox)
    await says(session, 'x = 41')
    void session.exec(counts(1)).catch(() => undefined)
    await until('its start', () => sandbox.run.cell('s1', 'c3') !== undefined)
    await sandbox.writeFile('go0', '')
    await sandbox.detach()
    const closed = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
    await closed.end('completed')
    expect(await refusalOf(again(sandbox.sandboxId, closed))).toMatchObject({ code: 'run-ended' })
    const next = await again(sandbox.sandboxId)
    expect(await says(await attachNotebookSession(next), 'print(x + 1)')).toBe('42')
    const both = await Promise.all([sandbox.run, next.run].map(({ folder }) => logOf(folder)))
    expect(both.map((log) => log.printed('c3')).join('')).toBe(counted(2000))
    await next.terminate()
  })

  test('one that is none, was terminated, or is open already; one of several that was not named', async () => {
    const sandbox = await start()
    const sessions = [await open(sandbox), await open(sandbox), await open(sandbox)]
    expect(sandbox.sessionIds).toEqual([])
    expect(await refusalOf(attachNotebookSession(sandbox, 's1'))).toMatchObject({ code: 'session-in-use' })
    await sessions[0]!.terminate()
    await sandbox.detach()
    expect(await refusalOf(attachNotebookSession(sandbox, 's2'))).toMatchObject({ code: 'sandbox-detached' })
    expect(kernelsOf(hostOf(sandbox.sandboxId))).toHaveLength(2)

    const next = await again(sandbox.sandboxId)
    expect(next.sessionIds).toEqual(['s2', 's3'])
    const refused = async (id?: string) => {
      const { code, message, hint } = await refusalOf(attachNotebookSession(next, id))
      return `${code}: ${message} ${hint ?? ''}`
    }
    expect(await refused()).toMatch(/^session-ambiguous: .*s2, s3/)
    expect(await refused('s1')).toMatch(/^session-ended: .*s1 has ended: it was terminated.*These wait: s2, s3/)
    expect(await refused('s22')).toMatch(/^session-unknown: .*did you mean "s2"\?.*These wait: s2, s3/)
    expect(await refusalOf(attachNotebookSession(next, 's2', { tool: 'full' } as object))).toMatchObject({
      code: 'invalid-options',
    })
    const two = await Promise.allSettled([attachNotebookSession(next, 's2'), attachNotebookSession(next, 's2')])
    expect(two.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    expect(await refused('s2')).toMatch(/^session-in-use: /)
    await (await attachNotebookSession(next, 's3')).terminate()
    expect(await refused('s3')).toMatch(/^session-ended: /)
    await next.detach()

    const third = await again(sandbox.sandboxId)
    expect(third.sessionIds).toEqual(['s2'])
    expect(kernelsOf(hostOf(sandbox.sandboxId))).toHaveLength(1)
    await third.terminate()
  })

  test('a run that has one of the same name in another sandbox; the sandbox is still there for others', async () => {
    const one = await start()
    await says(await open(one), 'x = 1')
    await one.detach()
    const run = newRun()
    const other = await start({}, run)
    await open(other)
    const { code, message } = await refusalOf(again(one.sandboxId, run))
    expect([code, message]).toEqual(['session-names', expect.stringContaining('has a session s1') as string])
    await other.terminate()
    const fresh = newRun()
    const next = await again(one.sandboxId, fresh)
    // The other way round there is room: the new one gets another name.
    const beside = await start({}, fresh)
    expect((await open(beside)).sessionId).toBe('s2')
    expect(await says(await attachNotebookSession(next), 'print(x)')).toBe('1')
    await beside.terminate()
    await next.terminate()
  })

  test('one of commands, which has no kernel: it is not kept', async () => {
    const sandbox = await start()
    await createCliSession(sandbox)
    await sandbox.detach()
    const next = await again(sandbox.sandboxId)
    expect(next.sessionIds).toEqual([])
    await next.terminate()
  })
})
