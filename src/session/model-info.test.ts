import { expect, test } from 'vitest'
import type { ModelHandle } from '../environment/models/model-handle.ts'
import { Skill } from '../workspace/skill.ts'
import { Workspace } from '../workspace/workspace.ts'
import { modelInfoText } from './model-info.ts'

const model: ModelHandle = {
  name: 'org/a',
  path: '/models/m0',
  weightsSha256: '0'.repeat(64),
  weightsHashFrom: 'read',
  quantisation: 'not quantised',
  parameters: 1,
  varName: 'model',
  dtype: 'float32',
  device: 'auto',
  isPeft: false,
  loadAsPeft: false,
}
const repo = {
  name: 'tiny',
  url: 'https://host.example/org/tiny',
  ref: 'main',
  commit: 'abcdef0123456789',
  path: '/home/me/w/tiny',
  isInstalled: false,
}

test('without repositories and GPUs nothing is said of them: recordings have this text', () => {
  expect(modelInfoText([model], new Workspace())).toMatchInlineSnapshot(`
    "You work in a Jupyter kernel (Python). \`PARAMS\` holds the parameters of this experiment.
    The model org/a is loaded as \`model\`, its tokenizer as \`tokenizer\`: a Hugging Face transformers model in float32 on the CPU, in evaluation mode. Weights: not quantised.
    \`seer.record({...}, table="...")\` keeps a row of results with the run; \`seer.save("name", value)\` keeps a tensor, table, figure or JSON value."
  `)
})

test('repositories by their folder in the workspace, with no path of a machine', () => {
  const text = modelInfoText([], new Workspace(), { repoHandles: [repo], gpus: [] })
  expect(text).toContain(
    'The folder `tiny` holds the git repository https://host.example/org/tiny, commit abcdef012345. Python can import what lies in it.',
  )
  expect(text).not.toContain('/home/me')
})

test('skills by name and description, and how to read one; what can be imported with them', () => {
  const skills = [Skill.fromSource('plot-it', 'Draws\n  things.', 'x = 1'), Skill.builtIn('steering')]
  const lines = modelInfoText([], new Workspace({ skills })).split('\n')
  expect(lines.slice(1, -1)).toEqual([
    'These skills are instructions for a kind of work. Before you do such work, read them in a cell: `print(open(".claude/skills/NAME/SKILL.md").read())`.',
    '- plot-it: Draws things. (It brings Python that can be imported: `plot_it`.)',
    `- steering: ${Skill.builtIn('steering').description}`,
  ])
})

test.each([
  [['NVIDIA A100-SXM4-80GB'], 'auto', 'It has a GPU: NVIDIA A100-SXM4-80GB.', 'on the GPU,'],
  [['NVIDIA L4', 'NVIDIA L4'], 'auto', 'It has 2 GPUs: NVIDIA L4, NVIDIA L4.', 'on the GPUs,'],
  [['NVIDIA L4'], 'cpu', 'It has a GPU: NVIDIA L4.', 'on the CPU,'],
  [['NVIDIA L4'], 'cuda:0', 'It has a GPU: NVIDIA L4.', 'on cuda:0,'],
])('%j, a model on %s', (gpus, device, said, where) => {
  const text = modelInfoText([{ ...model, device }], new Workspace(), { repoHandles: [], gpus })
  expect(text).toContain(said)
  expect(text).toContain(where)
})
