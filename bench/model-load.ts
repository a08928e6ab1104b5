/**
 * A model from Seer's cache into a kernel, against plain `from_pretrained` on the same files: in a kernel of the same sandbox, and in a
 * Python of its own without Seer. From the start of the process to the first forward pass, each in a new process, interleaved.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ensureEmbeddedModel } from '../src/environment/embedded-model.ts'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { createNotebookSession, Sandbox, Workspace } from '../src/index.ts'
import { machineLine, quantile } from './setting.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '9' } } })
const rounds = Number(values.rounds)
const THREADS = '1'
process.chdir(mkdtempSync(join(tmpdir(), 'seer-bench-')))

const FORWARD = `import torch
with torch.no_grad():
    logits = model(**tokenizer("The river runs to the sea", return_tensors="pt")).logits
print(f"{logits.double().sum().item():.4f}")`
const plainly = (path: string) => `import torch, transformers
transformers.utils.logging.disable_progress_bar()
model = transformers.AutoModelForCausalLM.from_pretrained(${JSON.stringify(path)}, dtype=torch.float32, local_files_only=True).eval()
tokenizer = transformers.AutoTokenizer.from_pretrained(${JSON.stringify(path)}, local_files_only=True)
${FORWARD}`

const environment = await ensureEnvironment()
const { path } = await ensureEmbeddedModel(environment)
await using sandbox = await Sandbox.start({
  models: [{ name: 'embedded', dtype: 'float32' }],
  env: { OMP_NUM_THREADS: THREADS },
})
const inside = sandbox.modelHandles[0]!.path

/** What the forward pass gave, and how long it took to get there. */
type Loaded = readonly [logits: string, seconds: number]
const ARMS: Readonly<Record<string, () => Loaded | Promise<Loaded>>> = {
  'Seer: a session with its model': () => inKernel(true, FORWARD),
  '`from_pretrained` in a kernel of the same sandbox': () => inKernel(false, plainly(inside)),
  '`from_pretrained` in a Python without Seer': () => inPython(plainly(path)),
}

async function inKernel(preloadModels: boolean, code: string): Promise<Loaded> {
  const startedAt = performance.now()
  await using session = await createNotebookSession(sandbox, new Workspace({ preloadModels }))
  const { status, text } = await session.exec(code)
  const seconds = since(startedAt)
  if (status !== 'ok') throw new Error(text)
  // A kernel goes on until its sandbox ends: what it has in memory is given back, so that the rounds are alike.
  await session.exec('import os; os._exit(0)')
  return [text.trim(), seconds]
}

function inPython(code: string): Loaded {
  const startedAt = performance.now()
  const env = { PATH: process.env['PATH'], HF_HUB_OFFLINE: '1', OMP_NUM_THREADS: THREADS, OMP_WAIT_POLICY: 'passive' }
  const { stdout, stderr, status } = spawnSync(environment.python, ['-I', '-c', code], { encoding: 'utf8', env })
  if (status !== 0) throw new Error(stderr)
  return [stdout.trim(), since(startedAt)]
}

function since(startedAt: number): number {
  return (performance.now() - startedAt) / 1000
}

const names = Object.keys(ARMS)
const seconds = new Map<string, number[]>(names.map((name) => [name, []]))
const results = new Set<string>()
for (let round = -1; round < rounds; round++) {
  // Each is first in its turn. The first round fills the disk's cache and is not counted.
  for (const name of names.map((_, i) => names[(i + round + names.length) % names.length]!)) {
    const [logits, taken] = await ARMS[name]!()
    results.add(logits)
    if (round >= 0) seconds.get(name)!.push(taken)
  }
}
if (results.size !== 1) throw new Error(`not the same logits: ${[...results].join(', ')}`)
console.log(
  '| from the start of the process to the first forward pass | median s | range s | Seer’s time divided by it |\n|---|---|---|---|',
)
const own = seconds.get(names[0]!)!
for (const [name, taken] of seconds) {
  const [least, middle, most] = [0, 0.5, 1].map((q) => quantile(taken, q).toFixed(2))
  const ratio = quantile(
    own.map((s, round) => s / taken[round]!),
    0.5,
  ).toFixed(2)
  console.log(`| ${name} | ${middle} | ${least}–${most} | ${ratio} |`)
}
console.log(`\n${rounds} rounds, ${THREADS} torch thread, all with the same logits. ${machineLine()}`)
