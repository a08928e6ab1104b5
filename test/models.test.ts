/** Models by folder, from the hub's cache and from a hub: found, refused, brought, loaded behind the wall, and recorded. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import type { SandboxConfig } from '../src/environment/sandbox-config.ts'
import type { EventOf } from '../src/run/events.ts'
import { readEvents } from '../src/run/log-reader.ts'
import { Run } from '../src/run/run.ts'
import { createNotebookSession } from '../src/session/notebook-session.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { newFolder, START } from './fixtures/memory-run.ts'
import { COMMIT, makeTinyModels, putIntoCache, startHub, withPeft } from './fixtures/tiny-models.ts'

const NO_HUB = 'http://127.0.0.1:9'
const SUM = 'torch.tensor([[1, 2, 3, 4, 5]])).logits.double().sum().item()'
let root: string
let made: string
let home: string
let python: string

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'seer-models-'))
  made = join(root, 'made')
  mkdirSync(made)
  const { python: found } = await withPeft()
  python = found
  await makeTinyModels(python, made)
}, 900_000)
afterAll(() => rmSync(root, { recursive: true }))

beforeEach(() => {
  home = mkdtempSync(join(root, 'home-'))
  vi.stubEnv('HF_HOME', home)
  vi.stubEnv('HF_ENDPOINT', NO_HUB)
  for (const name of ['HF_TOKEN', 'HF_HUB_OFFLINE', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE']) vi.stubEnv(name, '')
  vi.stubEnv('XDG_STATE_HOME', join(home, 'state'))
})
afterEach(() => vi.unstubAllEnvs())

/** Starts a sandbox and a session, runs Python in it, and gives what it printed with what the log says. */
async function inSandbox(models: SandboxConfig['models'], code: string) {
  const run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
  const said: string[] = []
  const sandbox = await Sandbox.start({ models }, { run, progress: ({ message }) => void said.push(message) })
  try {
    const session = await createNotebookSession(sandbox, new Workspace())
    const { status, text } = await session.exec(`import torch\n${code}`)
    expect({ status, text }).toMatchObject({ status: 'ok' })
    const { events } = await readEvents(join(run.folder, 'events.jsonl'))
    const start = events.find((event): event is EventOf<'session-start'> => event.type === 'session-start')!
    return {
      text: text.trim(),
      handles: sandbox.modelHandles,
      models: start.models,
      info: session.modelInfoText,
      said,
      run,
    }
  } finally {
    await sandbox.terminate()
    await run.end('completed')
  }
}

const refusal = async (models: SandboxConfig['models']): Promise<unknown> => {
  const run = Run.create(newFolder(), { ...START, confinement: 'bubblewrap' })
  const options = { run, progress: () => undefined }
  return Sandbox.start({ models }, options).then(
    () => 'it started',
    (error: unknown) => error,
  )
}

describe('a folder', () => {
  test('is loaded as transformers loads it, and shows no folder of this machine', async () => {
    const shown = `print(model(${SUM}, model.name_or_path, tokenizer.name_or_path, len(str(model.config).split(${JSON.stringify(made)})))`
    const { text, handles, models, run } = await inSandbox([{ name: join(made, 'base') }], shown)
    const [sum, ...names] = text.split(' ')
    expect(names).toEqual(['base', 'base', '1'])
    expect(Number(sum)).toBeCloseTo(await plainSum(), 6)
    expect(handles).toMatchObject([
      { name: 'base', varName: 'model', path: '/models/m0', dtype: 'float32', isPeft: false },
    ])
    expect(models).toMatchObject([{ name: 'base', weightsHashFrom: 'read', quantisation: 'not quantised' }])
    expect(run.summary.subjects).toHaveLength(1)
  })

  test('with an adapter: base() is the model below', async () => {
    const code = `a = model(${SUM}
with model.base() as plain: b = plain(${SUM}
print(a, b, type(model).__name__, abs(a - b) > 1e-3)`
    const wanted = [{ name: join(made, 'adapter'), isPeft: true, baseModel: join(made, 'base') }]
    const { text, handles, models, info } = await inSandbox(wanted, code)
    const [, base, kind, differs] = text.split(' ')
    expect([kind, differs]).toEqual(['PeftModelForCausalLM', 'True'])
    expect(Number(base)).toBeCloseTo(await plainSum(), 6)
    expect(handles).toMatchObject([
      { name: 'adapter', path: '/models/m0', baseModel: 'base', base: { path: '/models/m1' } },
    ])
    expect(models).toMatchObject([{ name: 'adapter', base: { name: 'base', weightsHashFrom: 'read' } }])
    expect(info).toContain('with model.base():')
  })
})

async function plainSum(): Promise<number> {
  const code = `import sys, torch, transformers as t
print(t.AutoModelForCausalLM.from_pretrained(sys.argv[1]).eval()(${SUM})`
  const { runTool } = await import('../src/environment/run-tool.ts')
  const result = await runTool([python, '-c', code, join(made, 'base')], {
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  })
  return Number(result.stdout.trim().split('\n').at(-1))
}

describe('the hub', () => {
  test('a whole snapshot in its cache is used where it lies, without a network', async () => {
    const snapshot = putIntoCache(home, 'org/tiny', join(made, 'base'))
    const before = readdirSync(snapshot)
    const { text, handles, models } = await inSandbox([{ name: 'org/tiny' }], `print(model.name_or_path, model(${SUM})`)
    expect(text).toMatch(/^org\/tiny /)
    expect(Number(text.split(' ')[1])).toBeCloseTo(await plainSum(), 6)
    expect(handles).toMatchObject([{ name: 'org/tiny', revision: COMMIT, path: '/models/m0' }])
    expect(models).toMatchObject([{ revision: COMMIT, weightsHashFrom: 'hub' }])
    expect(readdirSync(snapshot)).toEqual(before)
  })

  test.runIf(existsSync('/dev/shm'))(
    'a cache on another disk, whose files can be neither linked nor copied',
    async () => {
      const shm = mkdtempSync('/dev/shm/seer-hub-')
      try {
        vi.stubEnv('HF_HOME', shm)
        const folder = join(home, 'with-more')
        cpSync(join(made, 'base'), folder, { recursive: true })
        writeFileSync(join(folder, 'large.bin'), Buffer.alloc(20 << 20))
        chmodSync(shm, 0o755)
        putIntoCache(shm, 'org/tiny', folder)
        const code = `import os
print(os.path.islink('/models/m0/model.safetensors'), sorted(os.listdir('/models')), model(${SUM})
try: open('/models/m0/config.json', 'w')
except OSError: print('read-only')`
        const { text } = await inSandbox([{ name: 'org/tiny' }], code)
        expect(text).toMatch(/^False \['m0'\] \S+\nread-only$/)
      } finally {
        rmSync(shm, { recursive: true })
      }
    },
  )

  test('a gated one with a token, which is in no log and not in the kernel', async () => {
    const settings = 'hub.gated = {"org/tiny"}; hub.token = "hf_verysecret"'
    await using hub = await startHub(python, { 'org/tiny': join(made, 'base') }, settings)
    vi.stubEnv('HF_ENDPOINT', hub.url)
    vi.stubEnv('HF_TOKEN', 'hf_verysecret')
    const code = `import os\nprint('hf_' + 'verysecret' in str(os.environ) + open('/proc/self/environ').read())`
    const { text, run, said } = await inSandbox([{ name: 'org/tiny' }], code)
    expect(text).toBe('False')
    for (const name of ['events.jsonl', 'run.json'])
      expect(readFileSync(join(run.folder, name), 'utf8')).not.toMatch(/hf_verysecret/)
    expect(said.join('\n')).not.toMatch(/verysecret/)
  })

  test('fetched the first time, and not asked again', async () => {
    {
      await using hub = await startHub(python, { 'org/tiny': join(made, 'base'), 'org/lora': join(made, 'adapter') })
      vi.stubEnv('HF_ENDPOINT', hub.url)
      const wanted = [{ name: 'org/lora', isPeft: true, baseModel: 'org/tiny', revision: 'v2/old' }]
      const { text, models, said } = await inSandbox(
        wanted,
        'print(model.peft_config["default"].base_model_name_or_path)',
      )
      expect(text).toBe('org/tiny')
      expect(models).toMatchObject([
        { name: 'org/lora', revision: COMMIT, base: { name: 'org/tiny', revision: COMMIT } },
      ])
      expect(said.join('\n')).toMatch(/downloading org\/tiny/)
    }
    vi.stubEnv('HF_ENDPOINT', NO_HUB)
    const { said } = await inSandbox([{ name: 'org/tiny' }], 'pass')
    expect(said.join('\n')).not.toMatch(/hub|download/)
  })

  test('too big for this machine: refused with the numbers, before anything is installed or fetched', async () => {
    const settings = 'hub.counted = {"BF16": 27_400_000_000_000}'
    await using hub = await startHub(python, { 'google/gemma-3-27b-it': join(made, 'base') }, settings)
    vi.stubEnv('HF_ENDPOINT', hub.url)
    vi.stubEnv('SEER_CACHE', join(home, 'cache'))
    expect(await refusal([{ name: 'google/gemma-3-27b-it' }])).toMatchObject({
      code: 'model-too-big',
      message: expect.stringMatching(/gemma-3-27b-it takes about 54800\.0 GB \(27400\.0 billion weights in bfloat16\)/),
    })
    expect(existsSync(join(home, 'cache/environments'))).toBe(false)
    expect(existsSync(join(home, 'hub/models--google--gemma-3-27b-it'))).toBe(false)
  })

  test.each<[string, string, object, string, RegExp]>([
    ['gated', 'hub.gated = {"org/tiny"}', { name: 'org/tiny' }, 'model-gated', /gated/],
    ['not there', '', { name: 'org/absent' }, 'model-not-found', /no org\/absent on the hub/],
    ['a wrong revision', '', { name: 'org/tiny', revision: 'v9' }, 'model-revision', /no revision "v9"/],
    ['an adapter as a model', '', { name: 'org/lora' }, 'model-kind', /is an adapter/],
  ])('refused: %s', async (_, settings, wanted, code, message) => {
    const repos = { 'org/tiny': join(made, 'base'), 'org/lora': join(made, 'adapter') }
    await using hub = await startHub(python, repos, settings)
    vi.stubEnv('HF_ENDPOINT', hub.url)
    const error = await refusal([wanted as never])
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.any(String) })
  })

  test('no network: says where it looked; a torn snapshot: also what is missing; offline: asks nobody', async () => {
    expect(await refusal([{ name: 'org/tiny' }])).toMatchObject({
      code: 'model-hub-unreachable',
      message: expect.stringContaining(join(home, 'hub')),
    })
    rmSync(join(putIntoCache(home, 'org/tiny', join(made, 'base')), 'model.safetensors'))
    expect(await refusal([{ name: 'org/tiny' }])).toMatchObject({
      message: expect.stringMatching(/is not whole in the hub's cache .*no weights/),
    })
    vi.stubEnv('HF_HUB_OFFLINE', '1')
    expect(await refusal([{ name: 'org/tiny' }])).toMatchObject({ message: expect.stringMatching(/HF_HUB_OFFLINE/) })
  })
})
