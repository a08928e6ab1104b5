import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cacheRoot } from '../src/environment/cache.ts'
import { ensureEmbeddedModel } from '../src/environment/embedded-model.ts'
import type { ProgressEvent } from '../src/environment/progress.ts'
import { ensureEnvironment, type PythonEnvironment } from '../src/environment/python-environment.ts'
import { runTool } from '../src/environment/run-tool.ts'

// The real thing in the user's own cache: slow the first time on a machine, and then not.
const firstTimeMs = 900_000
let environment: PythonEnvironment
let empty: string

beforeAll(async () => {
  environment = await ensureEnvironment()
  empty = await mkdtemp(join(tmpdir(), 'seer empty é-'))
}, firstTimeMs)
afterAll(() => rm(empty, { recursive: true, force: true }))

test('the environment holds the CPU build of torch, no CUDA, and a lock without hosts or paths', async () => {
  const lock = await readFile(environment.lock, 'utf8')
  expect(lock).toMatch(/^torch==2\.13\.0(\+cpu)?$/m)
  expect(lock).not.toMatch(/nvidia|triton/)
  for (const line of lock.trim().split('\n')) expect(line).toMatch(/^[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+$/)
  const code = 'import torch, ipykernel, jupyter_client, nbformat, sys; print(torch.version.cuda, sys.prefix)'
  const result = await runTool([environment.python, '-I', '-c', code], { env: process.env })
  expect(result.stdout.trim()).toBe(`None ${environment.path}`)
})

test('it came byte-compiled', async () => {
  const site = (await runTool([environment.python, '-c', 'import torch; print(torch.__file__)'], { env: process.env }))
    .stdout
  const compiled = await readdir(join(site.trim(), '..', '__pycache__'))
  expect(compiled.some((name) => name.startsWith('__init__.'))).toBe(true)
})

test('the model loads, is what its record says, and answers', { timeout: firstTimeMs }, async () => {
  const model = await ensureEmbeddedModel(environment)
  const code = `
import json, sys, torch, transformers
model = transformers.AutoModelForCausalLM.from_pretrained(sys.argv[1], local_files_only=True)
tokenizer = transformers.AutoTokenizer.from_pretrained(sys.argv[1], local_files_only=True)
chat = [{"role": "user", "content": "What is the capital of France?"}]
ids = tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_tensors="pt", return_dict=True)
text = tokenizer.decode(model.generate(**ids, max_new_tokens=8, do_sample=False)[0, ids["input_ids"].shape[1]:])
print(json.dumps({"parameters": model.num_parameters(), "dtype": str(model.dtype), "text": text}))
`
  const env = { ...process.env, OMP_WAIT_POLICY: 'passive', OMP_NUM_THREADS: '1', HF_HUB_OFFLINE: '1' }
  const result = await runTool([environment.python, '-I', '-c', code, model.path], { env })
  const said: unknown = JSON.parse(result.stdout.trim().split('\n').at(-1) ?? '')
  expect(said).toMatchObject({
    parameters: model.parameters,
    dtype: 'torch.float32',
    text: expect.stringContaining('Paris'),
  })
})

test('a second call starts no process and says nothing', async () => {
  const events: ProgressEvent[] = []
  const model = await ensureEmbeddedModel(environment)
  const context = { progress: (event: ProgressEvent) => void events.push(event) }
  const times: number[] = []
  for (let n = 0; n < 20; n++) {
    const startedAt = performance.now()
    expect((await ensureEnvironment({}, context)).reused).toBe(true)
    expect((await ensureEmbeddedModel(environment, context)).path).toBe(model.path)
    times.push(performance.now() - startedAt)
  }
  expect(events).toEqual([])
  // Starting any Python takes longer than this.
  expect(times.sort((a, b) => a - b)[10]).toBeLessThan(15)
})

test(
  'no network: says what it needed, leaves nothing that counts, and goes on when run again',
  { timeout: firstTimeMs },
  async () => {
    // Nothing listens there; and what pip and uv have downloaded before is out of sight.
    const away = 'http://127.0.0.1:9'
    const proxies = ['HTTPS_PROXY', 'HTTP_PROXY', 'ALL_PROXY']
    const env = {
      ...process.env,
      SEER_CACHE: join(empty, 'cache'),
      UV_CACHE_DIR: join(empty, 'uv'),
      PIP_NO_CACHE_DIR: '1',
      ...Object.fromEntries(proxies.flatMap((name) => [name, name.toLowerCase()]).map((name) => [name, away])),
      NO_PROXY: '',
      no_proxy: '',
      UV_HTTP_RETRIES: '0',
      PIP_RETRIES: '0',
    }
    const request = { pythonPackages: ['colorama==0.4.6'] }
    const error = await ensureEnvironment(request, { env }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'setup-network', hint: expect.stringContaining('run the same command again') })
    expect(String(error)).toMatch(/could not reach the package index for \S+==\d/)
    for (const folder of ['tools', 'environments']) {
      expect(await readdir(join(empty, 'cache', folder)).catch(() => [])).toEqual([])
    }
    const again = { env: { ...process.env, SEER_CACHE: join(empty, 'cache') } }
    const made = await ensureEnvironment(request, again)
    expect(made.reused).toBe(false)
    expect(await readFile(made.lock, 'utf8')).toContain('colorama==0.4.6')
    expect(made.id).not.toBe(environment.id)
  },
)

test('interrupted: ends its tools, leaves nothing', async () => {
  const cache = join(empty, 'interrupted')
  const script = new URL('../src/environment/cli-prepare.ts', import.meta.url).pathname
  const env = { ...process.env, SEER_CACHE: cache }
  const child = spawn(process.execPath, [script], { env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  let asked = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
    if (said.includes('making it with Python') && !asked) asked = child.kill('SIGINT')
  })
  const [code] = (await once(child, 'close')) as [number]
  expect(code).toBe(130)
  expect(said).toContain('stopped; run it again to go on')
  expect(await readdir(join(cache, 'environments'))).toEqual([])
})

test('the sizes are what the documentation says', async () => {
  const weights = join(cacheRoot(), 'models', 'SmolLM2-135M-Instruct-q4_1-f32-v1', 'model.safetensors')
  expect((await stat(weights)).size).toBe(538_090_408)
})
