/** What the documents show is run: their examples, with an agent scripted on loopback; and their links lead somewhere. */
import { execFile } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it } from 'vitest'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { resolveRun } from '../src/run/paths.ts'
import { readEvents } from '../src/run/log-reader.ts'
import { loopbackMessages, type ScriptedAnswer } from './loopback-messages.ts'

const checkout = resolve(import.meta.dirname, '..')
const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'AGENTS.md', 'CHANGELOG.md'].concat(
  readdirSync(join(checkout, 'docs'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
)
const folders: string[] = []
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })))

const script: ScriptedAnswer[] = [
  {
    say: 'Let me count.',
    calls: [{ id: 'toolu_1', name: 'execute_code', input: { code: 'import helpers\nprint(helpers.depth(model))' } }],
  },
  { say: 'It has 30 layers.' },
]

describe('the examples', () => {
  it('of the README: an experiment of one’s own', async () => {
    const folder = emptyFolder()
    writeFileSync(join(folder, 'experiment.ts'), codeBlock('README.md', 'experiment({'))
    writeFileSync(join(folder, 'task.md'), 'How deep is it? {{questions}}\n')
    const outputs = join(folder, 'outputs')
    await runNode(['src/cli/main.ts', 'run', folder, '--provider', 'claude', '--output-dir', outputs], checkout)
    expect(await agentOutput(outputs)).toBe('30\n')
  })

  it('of docs/scripts.md: a plain script', async () => {
    const folder = scriptFolder(codeBlock('docs/scripts.md', 'Sandbox.start'))
    const { stdout } = await runNode(['script.ts'], folder)
    expect(stdout).toContain('30')
    expect(await agentOutput(join(folder, 'outputs'))).toBe('30\n')
  })

  it.each([
    ["pythonPackages: ['peft'", 'import peft, pandas; print("both", sys.prefix)', 'both /opt/environment'],
    ["python: './.venv'", 'print(sys.prefix)', '/opt/environment'],
  ])('of docs/environments.md: %s', async (holding, code, printed) => {
    const folder = scriptFolder(`import { createNotebookSession, Sandbox, Workspace } from 'seer-interp'
      ${codeBlock('docs/environments.md', holding)}
      await using session = await createNotebookSession(sandbox, new Workspace())
      console.log((await session.exec(${JSON.stringify(`import sys; ${code}`)})).text)`)
    symlinkSync((await ensureEnvironment()).path, join(folder, '.venv'))
    const { stdout } = await runNode(['script.ts'], folder)
    expect(stdout.trim()).toBe(printed)
  })

  it('of docs/live-agents.md: a word to the agent after an error', async () => {
    const fails = { id: 'toolu_1', name: 'execute_code', input: { code: '1 / 0' } }
    const folder = scriptFolder(`import { createNotebookSession, runAgent, Sandbox, Workspace } from 'seer-interp'
      await using sandbox = await Sandbox.start()
      await using session = await createNotebookSession(sandbox, new Workspace())
      const prompt = 'Divide.'
      ${codeBlock('docs/live-agents.md', 'agent.send')}`)
    const { requests } = await runNode(['script.ts'], folder, [{ calls: [fails] }, { say: 'I see.' }])
    expect(JSON.stringify(requests[1])).toContain('Look at the traceback before you go on.')
  })

  it('of docs/sandboxes.md: one script lets go of a sandbox, and another goes on with it', async () => {
    const folder = scriptFolder(codeBlock('docs/sandboxes.md', 'detach('))
    writeFileSync(join(folder, 'next.ts'), codeBlock('docs/sandboxes.md', 'Sandbox.attach('))
    writeFileSync(join(folder, 'first.ts'), codeBlock('docs/sandboxes.md', 'timeout: 7200'))
    const { stdout: id } = await runNode(['script.ts'], folder)
    const { stdout } = await runNode(['next.ts', id.trim()], folder)
    expect(stdout).toBe('an hour of work 42\n')
    await runNode(['first.ts'], folder)
  })

  it('of docs/scoped-sandboxes.md: an interface file, served to an agent in a local session', async () => {
    const code = 'import model_tools\nprint(model_tools.next_token("The capital of France is", k=1)[0]["token"])'
    const serving = codeBlock('docs/scoped-sandboxes.md', 'ScopedSandbox.start')
    const folder = scriptFolder(
      `import { createLocalSession, runAgent, ScopedSandbox, Workspace } from 'seer-interp'\n${serving}`,
    )
    writeFileSync(join(folder, 'interface.py'), codeBlock('docs/scoped-sandboxes.md', '@expose', 'python'))
    const call = { id: 'toolu_1', name: 'execute_code', input: { code } }
    const { requests } = await runNode(['script.ts'], folder, [{ calls: [call] }, { say: 'Paris.' }])
    expect(JSON.stringify(requests[0])).toContain('next_token(text: str, *, k: int = 5) -> list[dict]')
    expect(await agentOutput(join(folder, 'outputs'))).toBe(' Paris\n')
  })

  it('of docs/toolkit.md: its files in an experiment', async () => {
    const folder = emptyFolder()
    const code = 'import extract_activations, steering_hook; print("both")'
    writeFileSync(
      join(folder, 'experiment.ts'),
      `import { createNotebookSession, experiment, runAgent, Sandbox, Workspace, z } from 'seer-interp'
      export default experiment({ description: '', params: z.strictObject({}), profiles: { embedded: {} },
        async run({ toolkit }) {
          await using sandbox = await Sandbox.start()
          ${codeBlock('docs/toolkit.md', 'toolkit(')}
          await using session = await createNotebookSession(sandbox, workspace)
          for await (const _ of runAgent({ prompt: 'Import.', mcpConfig: session.mcpConfig })) {}
        } })`,
    )
    const outputs = join(folder, 'outputs')
    const args = ['src/cli/main.ts', 'run', folder, '--provider', 'claude', '--output-dir', outputs]
    await runNode(args, checkout, [
      { calls: [{ id: 'toolu_1', name: 'execute_code', input: { code } }] },
      { say: 'Done.' },
    ])
    expect(await agentOutput(outputs)).toBe('both\n')
  })
})

describe.each(documents)('%s', (name) => {
  it('has links that lead to files', () => {
    const text = readFileSync(join(checkout, name), 'utf8')
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map((match) => match[1]!)
    const missing = links.filter((link) => !existsSync(resolve(checkout, dirname(name), link)))
    expect(missing).toEqual([])
  })
})

/** A folder with the library that both examples import. */
function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'seer-docs-'))
  folders.push(folder)
  writeFileSync(join(folder, 'helpers.py'), 'def depth(model):\n    return model.config.num_hidden_layers\n')
  return folder
}

/** A folder as docs/scripts.md describes it. */
function scriptFolder(code: string): string {
  const folder = emptyFolder()
  writeFileSync(join(folder, 'script.ts'), code)
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(checkout, join(folder, 'node_modules', 'seer-interp'))
  return folder
}

function codeBlock(document: string, holding: string, language = 'ts'): string {
  const text = readFileSync(join(checkout, document), 'utf8')
  const blocks = [...text.matchAll(new RegExp(`\`\`\`${language}\\n([^]*?)\`\`\``, 'g'))].map((match) => match[1]!)
  const block = blocks.find((code) => code.includes(holding))
  if (block === undefined) throw new Error(`${document} has no example with ${holding}`)
  return block
}

async function runNode(args: string[], cwd: string, answers = script) {
  await using server = await loopbackMessages(answers)
  const env = { ...process.env, ANTHROPIC_BASE_URL: server.url, ANTHROPIC_API_KEY: 'loopback', NO_COLOR: '1' }
  const run = promisify(execFile)(process.execPath, ['--conditions=seer-source', ...args], {
    cwd,
    env,
    timeout: 170_000,
  })
  const { stdout } = await run
  expect(server.violations).toEqual([])
  return { stdout, requests: server.requests }
}

/** What the agent's cell printed. */
async function agentOutput(outputs: string): Promise<string> {
  const { events, problems } = await readEvents(join(resolveRun('latest', outputs), 'events.jsonl'))
  expect(problems).toEqual([])
  const texts = events.flatMap((event) =>
    event.type === 'cell-output' && event.by.startsWith('agent:') && 'output' in event
      ? [event.output as { text?: unknown }]
      : [],
  )
  return texts.map(({ text }) => text).join('')
}
