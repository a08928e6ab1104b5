/** Sessions on this machine: a local one with Python and a shell, a notebook without a model, and one of commands. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import { ScopedSandbox } from '../src/interface/scoped-sandbox.ts'
import { createCliSession } from '../src/session/cli-session.ts'
import { createLocalNotebookSession } from '../src/session/local-notebook-session.ts'
import { createLocalSession, type LocalSession } from '../src/session/local-session.ts'
import { runTool, type Tool } from '../src/tools/tool.ts'
import { Library } from '../src/workspace/library.ts'
import { Skill } from '../src/workspace/skill.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { newFolder } from './fixtures/memory-run.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { confinedRun, eventsOf, KIT } from './fixtures/scoped.ts'
import { ownState } from './fixtures/walled.ts'

let root: string
beforeAll(() => (root = ownState()))
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const quiet = () => undefined
const workspaceOf = async (scoped: ScopedSandbox) =>
  new Workspace({
    libraries: [
      await scoped.serve(KIT, { exposeAs: 'library', name: 'kit' }),
      Library.fromCode('lamps', 'count = 3\n'),
    ],
    skills: [Skill.fromSource('say-hi', 'Says hi.', 'def hi(): return "hi"\n')],
  })

/** Calls a tool as an agent does. */
function caller(place: { tools: readonly Tool[] }, run = confinedRun()) {
  const context = { emit: run.emit, by: 'agent:a' as const, signal: run.signal, storeArtifact: run.storeArtifact }
  return (name: string, input: object) => runTool(place.tools, { id: 't', name, input }, context)
}

describe('a local session', () => {
  const run = confinedRun()
  const folder = newFolder()
  let scoped: ScopedSandbox
  let session: LocalSession
  beforeAll(async () => {
    mkdirSync(join(folder, 'data'))
    writeFileSync(join(folder, 'data/in.txt'), 'from here')
    writeFileSync(join(folder, '.env'), 'KEY=1')
    scoped = await ScopedSandbox.start({ pythonPackages: ['numpy'] }, { run, progress: quiet })
    session = await createLocalSession(await workspaceOf(scoped), folder, { name: 'minimal', run })
  })
  afterAll(async () => {
    await session.terminate()
    await scoped.terminate()
    await run.end('completed')
  })

  test('Python and the shell import what is served and what is given', async () => {
    const call = caller(session, run)
    const said = await call('execute_code', {
      code: 'import kit, lamps, say_hi\nprint(kit.add(lamps.count), say_hi.hi())',
    })
    expect(said.content).toMatchObject([{}, { type: 'text', text: '5.0 hi' }])
    const shell = await call('run_shell', {
      command: `python -c 'import kit; print(kit.add(40))'; cat data/in.txt; echo err >&2; exit 3`,
    })
    expect(shell.structured).toMatchObject({ exit_code: 3, signal: null, stdout: '42.0\nfrom here', stderr: 'err\n' })
    const calls = (await eventsOf(run)).filter(({ type }) => type === 'call-start')
    expect(calls.slice(-2)).toMatchObject([
      { by: 'agent:a', session: session.sessionId, from: 'library' },
      { by: 'agent:a', session: session.sessionId, from: 'library' },
    ])
    expect('cell' in calls.at(-1)!).toBe(false)
    expect(await session.execShell(`python -c 'import kit; print(kit.add(1))'`)).toBe('3.0\n')
    expect((await eventsOf(run)).findLast(({ type }) => type === 'call-start')).toMatchObject({ by: 'researcher' })
  })

  test('what an agent has left in the background calls as the agent, also after the researcher', async () => {
    const call = caller(session, run)
    await call('run_shell', { command: `(sleep 1.5; python -c 'import kit; kit.echo("late")') >/dev/null 2>&1 &` })
    await session.exec('1 + 1')
    const late = async () =>
      (await eventsOf(run)).find((event) => event.type === 'call-start' && event.args.text.includes('late'))
    await until('the call', late)
    expect(await late()).toMatchObject({ by: 'agent:a', session: session.sessionId })
  })

  test('the shell is not that of this machine: nothing of it is seen, and no network', async () => {
    const call = caller(session, run)
    const { structured } = await call('run_shell', {
      command: `ls ${root} ${folder} /root 2>&1 | head -3; id -u; env | grep -c XDG_STATE_HOME; ls /workspace/.env; cat /proc/net/dev | grep -vc 'lo:'`,
    })
    expect(structured).toMatchObject({ stdout: expect.stringMatching(/cannot access[^]*\n1000\n0\n/) as string })
    expect(structured).not.toMatchObject({ stdout: expect.stringContaining('.env\n') as string })
  })

  test('a command that is too long is ended, and its output is bounded', async () => {
    const call = caller(session, run)
    const slow = await call('run_shell', { command: 'echo begun; sleep 60', seconds: 1 })
    expect(slow.structured).toMatchObject({ stdout: 'begun\n', because: 'it ran longer than 1 s' })
    const long = await call('run_shell', { command: 'yes line | head -100000' })
    const { stdout } = long.structured as { stdout: string }
    expect(stdout.length).toBeLessThan(13_000)
    expect(stdout).toMatch(/characters left out/)
  })

  test('its files come back at the end, and never through a link', async () => {
    const other = newFolder()
    const elsewhere = newFolder()
    writeFileSync(join(elsewhere, 'theirs.txt'), 'untouched')
    mkdirSync(join(other, 'mine'))
    writeFileSync(join(other, 'mine/a.txt'), 'old')
    const second = await createLocalSession(new Workspace(), other, { run })
    const call = caller(second, run)
    await call('run_shell', {
      command:
        'echo new > mine/a.txt; mkdir -p out linked; echo made > out/new.txt; ln -s /etc/passwd out/link; echo changed > linked/theirs.txt; echo ANTHROPIC_BASE_URL=x > .env; mkdir -p .git mine/.git; echo core | tee .git/config mine/.git/config; chmod +x mine/a.txt',
    })
    // Made by the researcher meanwhile.
    symlinkSync(elsewhere, join(other, 'linked'))
    expect(second.workspaceDir).toBe(other)
    await second.terminate()
    expect(readFileSync(join(other, 'out/new.txt'), 'utf8')).toBe('made\n')
    expect(readFileSync(join(other, 'mine/a.txt'), 'utf8')).toBe('new\n')
    expect(existsSync(join(other, 'out/link'))).toBe(false)
    for (const name of ['libraries', '.env', '.git', 'mine/.git']) expect(existsSync(join(other, name))).toBe(false)
    expect(statSync(join(other, 'mine/a.txt')).mode & 0o111).toBe(0)
    expect(readFileSync(join(elsewhere, 'theirs.txt'), 'utf8')).toBe('untouched')
    const notices = (await eventsOf(run)).filter(
      (event) => event.type === 'notice-add' && event.code === 'workspace-left',
    )
    expect(notices.at(-1)).toMatchObject({
      text: expect.stringMatching(/linked[^]*out\/link|out\/link[^]*linked/) as string,
    })
  })

  test('a folder with a link that leads out of it, or with Seer’s own names in it, is refused', async () => {
    const other = newFolder()
    symlinkSync(root, join(other, 'linked'))
    await expect(createLocalSession(undefined, other, { run })).rejects.toThrow(/linked/)
    const own = newFolder()
    mkdirSync(join(own, 'libraries'))
    await expect(createLocalSession(undefined, own, { run })).rejects.toMatchObject({ code: 'local-file-target' })
  })

  test('its name, and without a folder its files are in the run', async () => {
    expect(session.name).toBe('minimal')
    const plain = await createLocalSession(undefined, undefined, { run })
    await plain.exec('open("kept.txt", "w").write("x")')
    await plain.terminate()
    expect(readFileSync(join(run.folder, 'workspace/kept.txt'), 'utf8')).toBe('x')
  })
})

test('a local session whose sandbox has ended with its run is left without a word: nothing can be brought back', async () => {
  const run = confinedRun()
  const folder = newFolder()
  const session = await createLocalSession(undefined, folder, { run })
  await session.execShell('echo made > made.txt')
  await run.end('completed')
  await session.terminate()
  expect(readdirSync(folder)).toEqual([])
})

test('a local notebook: a kernel, its notebook on the disk, and the hosts of the keys that it was given', async () => {
  vi.stubEnv('OPENROUTER_API_KEY', 'sk-or-canary-0123456789')
  const run = confinedRun()
  const session = await createLocalNotebookSession({
    workspace: new Workspace({ libraries: [Library.fromCode('lamps', 'count = 3\n')] }),
    name: 'kimi',
    secrets: ['OPENROUTER_API_KEY'],
    run,
  })
  const { status, text } = await session.exec(
    'import os, lamps\nprint(lamps.count, len(os.environ["OPENROUTER_API_KEY"]))',
  )
  expect([status, text.trim()]).toEqual(['ok', '3 23'])
  expect(session.notebookPath).toBe(join(run.folder, 'notebook.ipynb'))
  const start = (await eventsOf(run)).find((event) => event.type === 'sandbox-start')
  expect(start).toMatchObject({ network: ['openrouter.ai'], secrets: ['OPENROUTER_API_KEY'] })
  await session.terminate()
  await session.terminate()
  await run.end('completed')
  expect(readFileSync(session.notebookPath, 'utf8')).toContain('lamps.count')
})

test('a local notebook of a plain script: the run has its name, in the folder that was asked for', async () => {
  const outputDir = newFolder()
  const session = await createLocalNotebookSession({ name: 'kimi', outputDir })
  expect((await session.exec('6 * 7')).text.trim()).toBe('42')
  await session.terminate()
  const [run, ...others] = readdirSync(outputDir)
  expect(run).toMatch(/^\d{4}-\d\d-\d\d-kimi-/)
  expect(others).toEqual([])
  expect(session.notebookPath).toBe(join(outputDir, run!, 'notebook.ipynb'))
  const status = () => JSON.parse(readFileSync(join(outputDir, run!, 'run.json'), 'utf8')) as { status: string }
  await until('the end of the run', () => status().status === 'completed')
  const other = confinedRun()
  await expect(createLocalNotebookSession({ outputDir, run: other })).rejects.toMatchObject({ code: 'invalid-options' })
  await other.end('completed')
})

test('a session of commands wants its sandbox first', async () => {
  await expect(createCliSession(new Workspace() as never, './workspace' as never)).rejects.toMatchObject({
    code: 'invalid-options',
    hint: expect.stringContaining('createLocalSession') as string,
  })
})

test('a session of commands: shell, Python, files, served functions, and a finding that rests on commands', async () => {
  const run = confinedRun()
  await using scoped = await ScopedSandbox.start({ pythonPackages: ['numpy'] }, { run, progress: quiet })
  await using sandbox = await Sandbox.start({}, { run, progress: quiet })
  const { z } = await import('zod')
  await using session = await createCliSession(sandbox, await workspaceOf(scoped), {
    answer: z.strictObject({ n: z.int() }),
  })
  const call = caller(session, run)
  const python = await call('run_python', {
    code: 'import kit, lamps, say_hi\nprint(kit.add(lamps.count), say_hi.hi())',
  })
  expect(python.structured).toMatchObject({ exit_code: 0, stdout: '5.0 hi\n' })
  await call('write_file', { path: 'a/b.txt', text: 'é😀' })
  expect((await call('read_file', { path: 'a/b.txt' })).content).toMatchObject([{}, { text: 'é😀' }])
  expect((await call('list_files', { path: 'a' })).structured).toMatchObject({
    files: [{ path: expect.stringContaining('b.txt') as string, kind: 'file', bytes: 6 }],
    more: 0,
  })
  expect(await call('read_file', { path: '../../etc/passwd' })).toMatchObject({ isError: true })
  expect(await session.exec('print(1 + 1)')).toBe('2\n')
  expect(await session.execShell('cat a/b.txt')).toBe('é😀')
  expect(session.modelInfoText).toContain('`kit`, `lamps`')
  const { process } = python.structured as { process: string }
  const finding = { claim: 'It is 5.', confidence: 1, answer: { n: 5 } }
  expect(await call('submit_finding', { ...finding, calls: ['p-none'] })).toMatchObject({ isError: true })
  expect(await call('submit_finding', { ...finding, calls: [process] })).toMatchObject({
    structured: { accepted: true },
  })
})
