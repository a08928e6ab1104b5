/** The experiment's own interface next to the embedded model, against plain transformers in another process. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import { ScopedSandbox } from '../src/interface/scoped-sandbox.ts'
import { createNotebookSession } from '../src/session/notebook-session.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { killAll, processesOf } from './fixtures/processes.ts'
import { confinedRun, eventsOf } from './fixtures/scoped.ts'
import { ownState } from './fixtures/walled.ts'

const INTERFACE = resolve(import.meta.dirname, '../experiments/scoped-sandbox/interface.py')
const TEXTS = ['The cat sleeps on the warm sofa.', 'Shares dropped at the start of the week.']
/** By another way: a hook on the final norm instead of `output_hidden_states`, float64 sums, no batch. */
const PLAIN = `
import json, sys, torch
from transformers import AutoModelForCausalLM, AutoTokenizer
path = sys.argv[1]
tokenizer = AutoTokenizer.from_pretrained(path)
model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
seen = []
model.model.norm.register_forward_hook(lambda module, args, out: seen.append(out[0].double()))
found = []
for text in json.loads(sys.argv[2]):
    with torch.no_grad(): model(torch.tensor([tokenizer(text)["input_ids"]]))
    found.append(seen[-1][1:].sum(0) / (len(seen[-1]) - 1))
a, b = found
print(json.dumps({"norm": a.pow(2).sum().sqrt().item(), "cos": ((a * b).sum() / (a.pow(2).sum() * b.pow(2).sum()).sqrt()).item(),
                  "layers": len(model.model.layers), "first": a[:4].tolist(), "vocab": model.get_input_embeddings().weight.shape[0]}))
`
let root: string
beforeAll(() => (root = ownState()))
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

test('an interface finds its model, and the numbers are those of plain transformers', async () => {
  const run = confinedRun()
  const options = { run, progress: () => undefined }
  await using scoped = await ScopedSandbox.start({ models: [{ name: 'embedded' }] }, options)
  const library = await scoped.serve(INTERFACE, { exposeAs: 'library', name: 'model_tools' })
  await using sandbox = await Sandbox.start({}, options)
  await using session = await createNotebookSession(sandbox, new Workspace({ libraries: [library] }))
  const code = `
import json, model_tools
a, b = ${JSON.stringify(TEXTS)}
got = model_tools.get_embedding(a)
print(json.dumps({"norm": got["norm"], "cos": model_tools.compare_embeddings(a, b)["similarity"], "first": got["embedding"][:4], **model_tools.get_model_info()}))`
  const { text } = await session.exec(code)
  const ours = JSON.parse(text.trim()) as Record<string, number> & { first: number[] }
  const { path } = scoped.modelHandles[0]!
  const said = await scoped.exec(['python', '-c', PLAIN, path, JSON.stringify(TEXTS)])
  const plain = JSON.parse(said.trim()) as Record<string, number> & { first: number[] }
  expect(ours).toMatchObject({ num_layers: plain['layers'], vocab_size: plain['vocab'], hidden_size: 576 })
  expect(ours['norm']).toBeCloseTo(plain['norm']!, 3)
  expect(ours['cos']).toBeCloseTo(plain['cos']!, 5)
  for (const [i, value] of plain.first.entries()) expect(ours.first[i]).toBeCloseTo(value, 3)
  const [start] = (await eventsOf(run)).filter((event) => event.type === 'interface-start')
  expect(start).toMatchObject({
    models: [{ name: 'SmolLM2-135M-Instruct', quantisation: 'Q4_1 GGUF, dequantised to float32' }],
  })
})

test('get_model_path: by name and by variable; another name is an error that lists names only while the file is loaded', async () => {
  const folder = join(root, 'paths')
  mkdirSync(folder)
  const file = join(folder, 'paths.py')
  const body = `
import os
from beside import where
@expose
def same() -> bool:
    return get_model_path() == get_model_path("embedded") == get_model_path("model") == get_model_path("SmolLM2-135M-Instruct") == where() and os.path.exists(os.path.join(where(), "config.json"))
@expose
def other(name: str) -> str:
    return get_model_path(name)
`
  writeFileSync(file, body)
  writeFileSync(join(folder, 'beside.py'), 'def where():\n    return get_model_path()\n')
  const run = confinedRun()
  await using scoped = await ScopedSandbox.start({ models: [{ name: 'embedded' }] }, { run, progress: () => undefined })
  await scoped.serve(file, { exposeAs: 'prompt' })
  const served = scoped.served('paths')
  const call = (name: string, args: object) =>
    served.call(
      { function: name, body: Buffer.from(JSON.stringify(args)), buffers: [], data: new Uint8Array() },
      { from: 'researcher', by: 'researcher' },
      run.signal,
    )
  const same = await call('same', {})
  expect(same.ok && Buffer.from(same.body).toString()).toBe('true')
  const other = await call('other', { name: 'org/secret' })
  expect(other.ok ? '' : other.error.message).toContain('org/secret')
  expect(JSON.stringify(other)).not.toMatch(/SmolLM|embedded/)
  writeFileSync(file, `path = get_model_path("org/other")\n${body}`)
  await expect(scoped.reload('paths')).rejects.toThrow(/org\/other[^]*(SmolLM2-135M-Instruct|embedded)/)
})
