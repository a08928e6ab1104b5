/**
 * A sandbox's secrets reach its kernel and nothing else: an agent shows them in every way that happens by accident, and nothing that
 * the run leaves has them. Each search has a control that it would find them.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cell, script } from './fixtures/agent-script.ts'
import { argumentsWith, environmentsWith, filesWith, holds, needlesOf } from './fixtures/leaks.ts'
import { newPlace, repository, type Place } from './fixtures/place.ts'
import { processesOf, until } from './fixtures/processes.ts'
import { logOf, notebookOf, type LogFacts } from './fixtures/run-folder.ts'
import { loopbackMessages, type LoopbackMessages } from './loopback-messages.ts'

const INDEX = JSON.stringify(join(repository, 'src/index.ts'))
/** What no encoding for text changes, so that a search finds the value in any of them. */
const core = `canary${randomBytes(9).toString('hex')}`
const TOKEN = `tk/${core}+ "ä'\\&<`
const plain = `plain${randomBytes(9).toString('hex')}`
const needles = [...needlesOf(core), ...needlesOf(plain)]

const SHOWN: Readonly<Record<string, string>> = {
  plainly: `print(token); print(plain, file=sys.stderr)`,
  base64: `for n in range(3): print(base64.b64encode(b'x' * n + token.encode() + b'tail').decode())`,
  padded: `print(base64.b64encode(token.encode()).decode()); print(base64.urlsafe_b64encode(token.encode()).decode())`,
  address: `print(urllib.parse.quote(token, safe='')); print(urllib.parse.quote(token)); print(urllib.parse.urlencode({'key': token}))`,
  quoted: `print(json.dumps({'key': token})); print(repr(token)); print([token]); print(html.escape(token))`,
  pieces: `for piece in (token[:9], token[9:17], token[17:]):
    print(piece, end='', flush=True); time.sleep(0.2)
print(' end')`,
  between: `print(token[:12], end='', flush=True); time.sleep(0.2); print('so far', file=sys.stderr, flush=True); time.sleep(0.2); print(token[12:])`,
  traceback: `raise ValueError(f'the key {token} was refused')`,
  name: `raise KeyError(plain)`,
  row: `seer.record({'key': token, plain: [1, {'deep': token}]}, table='rows')`,
  saved: `seer.save('thing', {'deep': [token], plain: 1}); seer.save('note.txt', f'key: {token}'.encode()); seer.save(plain, 1)`,
  images: `from IPython.display import HTML, SVG
display(HTML(f'<img alt="{plain}">'), metadata={'alt': token}); display(SVG(f'<svg xmlns="http://www.w3.org/2000/svg"><title>{plain}</title></svg>'))
display({'image/png': base64.b64encode(b'\\x89PNG' + token.encode() * 9999).decode()}, raw=True)`,
  much: `print((token + ' ') * 20000)`,
  child: `subprocess.run(['sh', '-c', 'echo "$SEER_T_TOKEN"; echo "$SEER_T_PLAIN" >&2']); print(subprocess.run(['printenv'], capture_output=True, text=True).stdout)`,
  files: `open(plain + '.txt', 'w').write(token); open('kept.txt', 'w').write(f'{token} {plain}'); print(os.listdir())`,
  value: `token`,
}
const OPENING = `import base64, html, json, os, subprocess, sys, time, urllib.parse
token, plain = os.environ['SEER_T_TOKEN'], os.environ['SEER_T_PLAIN']
print(len(token), len(plain))`
const WAITS = `import time
while not os.path.exists('go'): time.sleep(0.05) # waits`

let place: Place
let api: LoopbackMessages
let folder: string
let log: LogFacts
let said: { stdout: string; stderr: string; code: number | null }
/** While the kernel had them. */
let during: { arguments: number[]; kinds: string[]; files: string[] }

beforeAll(async () => {
  place = newPlace()
  api = await loopbackMessages(
    script(cell(OPENING), ...Object.values(SHOWN).map(cell), ['save_artifact', { path: 'kept.txt' }], cell(WAITS)),
  )
  const cwd = join(place.root, 'script')
  mkdirSync(cwd)
  writeFileSync(join(cwd, '.env'), `SEER_T_PLAIN=${plain}\nSEER_T_TOKEN=not-this-one-of-the-file\n`)
  const file = join(cwd, 'asking.ts')
  writeFileSync(
    file,
    `import { createNotebookSession, runAgent, Sandbox, Workspace } from ${INDEX}
await using sandbox = await Sandbox.start({ secrets: ['SEER_T_TOKEN', 'SEER_T_PLAIN'], env: { SHOWN: 'yes' } })
await using other = await Sandbox.start()
await using session = await createNotebookSession(sandbox, new Workspace())
await using stranger = await createNotebookSession(other, new Workspace())
const code = 'import os; print(sorted(name for name in os.environ if "SEER_T" in name or "KEY" in name))'
console.log('the stranger has', (await stranger.exec(code)).text)
for await (const event of runAgent({ prompt: 'Your key: ' + process.env.SEER_T_TOKEN, mcpConfig: session.mcpConfig }))
  if (event.type === 'cell-start' && event.code.includes('# waits')) {
    while (!(await import('node:fs')).existsSync('looked')) await new Promise((later) => setTimeout(later, 50))
    await sandbox.writeFile('go', '')
  }
`,
  )
  const env = { ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url, SEER_T_TOKEN: TOKEN }
  const started = place.script(file, { cwd, env })
  const outputs = join(cwd, 'outputs')
  await until(
    'the cell that waits',
    async () => {
      const name = existsSync(outputs) ? readdirSync(outputs)[0] : undefined
      if (name === undefined) return false
      folder = join(outputs, name)
      return (await logOf(folder)).of('cell-start').some(({ code }) => code.includes('# waits'))
    },
    120_000,
  )
  const bait = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', core], { stdio: 'ignore' })
  await until('the control', () => argumentsWith(needles).includes(bait.pid!))
  const environments = environmentsWith(needles)
  during = {
    arguments: argumentsWith(needles).filter((pid) => pid !== bait.pid),
    kinds: processesOf(place.root)
      .filter(({ pid }) => environments.includes(pid))
      .map(({ kind }) => kind)
      .sort(),
    // What the agent's own code wrote into its workspace is its own.
    files: seersFiles().filter((path) => !path.includes('/workspace/')),
  }
  bait.kill('SIGKILL')
  writeFileSync(join(cwd, 'looked'), '')
  said = await started.ended
  log = await logOf(folder)
}, 200_000)
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
})

const seersFiles = () => [place.state, join(place.root, 'r')].flatMap((folder) => filesWith(folder, needles))
const cellOf = (code: string) => log.of('cell-start').find((event) => event.code === code)!.cell!
const printed = (name: string) => log.printed(cellOf(SHOWN[name]!))

test('the kernel has them: from the environment before `.env`, and from `.env`', () => {
  expect(said).toMatchObject({ code: 0 })
  expect(log.printed(cellOf(OPENING))).toContain(`${TOKEN.length} ${plain.length}\n`)
  expect(log.of('sandbox-start').map(({ secrets }) => secrets)).toEqual([['SEER_T_TOKEN', 'SEER_T_PLAIN'], undefined])
})

test('a sandbox that does not name them has none, nor a key of Seer’s own', () => {
  expect(said.stdout).toContain('the stranger has []')
})

test('while it runs: in no arguments, in no file of Seer’s, and in the environment of the kernel alone', () => {
  expect(during.arguments).toEqual([])
  expect(during.files).toEqual([])
  // `seer`: the script itself, which was started with one of them.
  expect(during.kinds).toEqual(['kernel', 'seer'])
})

test('nothing that is left has them: the run’s folder, the state of the sandboxes, the terminal', () => {
  expect(filesWith(folder, needles)).toEqual([])
  expect(seersFiles()).toEqual([])
  expect(holds(said.stdout + said.stderr, needles)).toBe(false)
  // The control: the same search finds them where they are, and in the words that the agent was asked for.
  expect(filesWith(join(place.root, 'script'), needles)).toEqual([join(place.root, 'script', '.env')])
})

test('what is sent to the model has none, and is what the log has', () => {
  const sent = JSON.stringify(api.requests)
  expect(holds(sent, needles)).toBe(false)
  expect(sent).toContain('Your key: [secret SEER_T_TOKEN]')
  expect(sent).toContain('the key [secret SEER_T_TOKEN] was refused')
})

test('each place says which secret stood there', () => {
  const T = '[secret SEER_T_TOKEN]'
  const P = '[secret SEER_T_PLAIN]'
  expect(printed('plainly')).toBe(`${T}\n${P}\n`)
  expect(printed('padded')).toBe(`${T}\n${T}\n`)
  expect(printed('address')).toBe(`${T}\n${T}\nkey=${T}\n`)
  expect(printed('quoted')).toBe(`{"key": "${T}"}\n'${T}'\n['${T}']\n${T}\n`)
  expect(printed('pieces')).toBe(`${T} end\n`)
  expect(printed('between')).toBe(`so far\n${T}\n`)
  expect(printed('much')).toBe(`${`${T} `.repeat(20_000)}\n`)
  expect(printed('child')).toContain(`SEER_T_TOKEN=${T}`)
  expect(printed('child')).toContain('SHOWN=yes')
  expect(printed('base64').match(/SEER_T_TOKEN/g)).toHaveLength(3)
  expect(printed('files')).toContain(`${P}.txt`)
  expect(log.of('result-record')[0]?.row).toEqual({ key: T, [P]: [1, { deep: T }] })
  expect(JSON.parse(readFileSync(join(folder, 'results/thing.json'), 'utf8'))).toEqual({ deep: [T], [P]: 1 })
  expect(readFileSync(join(folder, 'results/note.txt'), 'utf8')).toBe(`key: ${T}`)
  const [artifact] = log.of('artifact-save')
  expect(readFileSync(join(folder, 'artifacts', artifact!.sha256), 'utf8')).toBe(`${T} ${P}`)
  expect(artifact!.bytes).toBe(`${T} ${P}`.length)
  expect(JSON.stringify(notebookOf(folder))).toContain(`alt=\\"${P}\\"`)
  // A file whose name is hidden is not found again, and that is said.
  expect(log.of('notice-add').filter(({ code }) => code === 'result-refused')).toHaveLength(1)
})

test('a run that is killed leaves none either, and its recovery, which does not know them, copies no file', async () => {
  const cwd = join(place.root, 'killed')
  mkdirSync(cwd)
  const file = join(cwd, 'killed.ts')
  const code = `import os, time
token = os.environ['SEER_T_TOKEN']
print('begun', flush=True); time.sleep(2); print(token)
seer.save('late', token)
print(token[:9], end='', flush=True); time.sleep(600)`
  writeFileSync(
    file,
    `import { createNotebookSession, Sandbox, Workspace } from ${INDEX}
await using sandbox = await Sandbox.start({ secrets: ['SEER_T_TOKEN'] })
await using session = await createNotebookSession(sandbox, new Workspace())
await session.exec(${JSON.stringify(code)})
`,
  )
  const started = place.script(file, { cwd, env: { SEER_T_TOKEN: TOKEN } })
  const outputs = join(cwd, 'outputs')
  const left = () => join(outputs, readdirSync(outputs)[0]!)
  await until('the cell', async () => {
    if (!existsSync(outputs)) return false
    return (await logOf(left())).of('cell-output').some(({ output }) => JSON.stringify(output).includes('begun'))
  })
  process.kill(started.pid, 'SIGKILL')
  await started.ended
  const [state] = place.sandboxes()
  const journal = () => readFileSync(join(state!, 'journal.jsonl'), 'utf8')
  await until('the rest in the journal', () => journal().includes('saved late'))
  expect(filesWith(state!, needles).filter((path) => !path.includes('/workspace/'))).toEqual([])
  // The control: its own file, which only the agent's code and this user can read.
  expect(filesWith(state!, needles)).toHaveLength(1)
  const recovered = await place.seer(['gc'], { cwd }).ended
  expect(recovered.code).toBe(0)
  const rest = await logOf(left())
  expect(rest.printed(rest.of('cell-output').at(-1)!.cell!)).toContain('[secret SEER_T_TOKEN]\n')
  expect(rest.of('notice-add').map(({ text }) => text)).toContainEqual(
    expect.stringMatching(/"late" could not be copied to results\/.*SEER_T_TOKEN/),
  )
  expect(filesWith(left(), needles)).toEqual([])
  expect(place.sandboxes()).toEqual([])
})
