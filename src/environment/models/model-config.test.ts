import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { parseOptions } from '../../options.ts'
import { checkModels, modelConfigSchema, type ModelConfig } from './model-config.ts'

let root: string
let place: { model: string; adapter: string; empty: string }
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'seer-models-'))
  place = { model: join(root, 'model'), adapter: join(root, 'adapter'), empty: join(root, 'empty') }
  for (const folder of Object.values(place)) mkdirSync(folder)
  writeFileSync(join(place.model, 'config.json'), '{}')
  writeFileSync(join(place.adapter, 'adapter_config.json'), '{"base_model_name_or_path": "org/base"}')
})
afterAll(() => rmSync(root, { recursive: true }))

const at = (text: string) => text.replaceAll(/<(\w+)>/g, (_, name: string) => place[name as keyof typeof place])
const filled = (config: ModelConfig): ModelConfig => JSON.parse(at(JSON.stringify(config))) as ModelConfig
const optionsSchema = z.strictObject({ models: z.array(modelConfigSchema) })
const check = (...models: ModelConfig[]) =>
  checkModels(parseOptions('Sandbox', optionsSchema, { models: models.map(filled) }).models)

test.each<[string, ModelConfig[]]>([
  ['the embedded one', [{ name: 'embedded' }]],
  ['a folder', [{ name: '<model>', dtype: 'bfloat16' }]],
  ['one of the hub', [{ name: 'google/gemma-2-9b', revision: 'refs/pr/1' }]],
  ['names as the hub has them', [{ name: 'meta-llama/Llama-3.1_8B' }]],
  [
    'an adapter of the hub',
    [{ name: 'org/a', isPeft: true, baseModel: 'org/b', revision: 'v1', baseRevision: 'main' }],
  ],
  ['an adapter in a folder on the embedded one', [{ name: '<adapter>', isPeft: true, baseModel: 'embedded' }]],
  ['one model twice', [{ name: 'embedded' }, { name: 'embedded', varName: 'control', loadAsPeft: true }]],
])('taken: %s', (_, models) => {
  expect(() => check(...models)).not.toThrow()
})

test.each<[string, ModelConfig[], string, RegExp, RegExp]>([
  [
    'nearly embedded',
    [{ name: 'embeded' }],
    'model-unsupported',
    /"embeded" cannot be loaded; did you mean "embedded"/,
    /./,
  ],
  ['a bare name', [{ name: 'gpt2' }], 'model-unsupported', /"gpt2" cannot be loaded/, /org\/name/],
  ['no name', [{ name: '' }], 'model-unsupported', /"" cannot be loaded/, /org\/name/],
  [
    'a folder that is not there',
    [{ name: '/nowhere/at/all' }],
    'model-unsupported',
    /no folder \/nowhere/,
    /save_pretrained/,
  ],
  [
    'a folder without a model',
    [{ name: '<empty>' }],
    'model-unsupported',
    /no config\.json \(and no adapter/,
    /save_pretrained/,
  ],
  ['three parts', [{ name: 'a/b/c' }], 'model-unsupported', /cannot be loaded/, /org\/name/],
  ['a way out of the cache', [{ name: 'a/..' }], 'model-unsupported', /cannot be loaded/, /./],
  ['an option of a program', [{ name: '--repo/x' }], 'model-unsupported', /cannot be loaded/, /./],
  ['isPeft alone', [{ name: 'org/a', isPeft: true }], 'invalid-options', /isPeft needs baseModel/, /Add baseModel/],
  [
    'isPeft alone, in a folder',
    [{ name: '<adapter>', isPeft: true }],
    'invalid-options',
    /isPeft needs baseModel/,
    /made for "org\/base"/,
  ],
  [
    'baseModel alone',
    [{ name: 'org/a', baseModel: 'org/b' }],
    'invalid-options',
    /baseModel is for adapters/,
    /isPeft: true/,
  ],
  ['an adapter as a model', [{ name: '<adapter>' }], 'invalid-options', /it is an adapter/, /isPeft: true/],
  [
    'a model as an adapter',
    [{ name: '<model>', isPeft: true, baseModel: 'org/b' }],
    'invalid-options',
    /no adapter_config/,
    /Leave out isPeft/,
  ],
  [
    'an adapter as a base',
    [{ name: 'org/a', isPeft: true, baseModel: '<adapter>' }],
    'invalid-options',
    /no config\.json in its baseModel/,
    /whole model/,
  ],
  [
    'the embedded one as an adapter',
    [{ name: 'embedded', isPeft: true, baseModel: 'org/b' }],
    'invalid-options',
    /is no adapter/,
    /./,
  ],
  [
    'a revision of a folder',
    [{ name: '<model>', revision: 'v1' }],
    'invalid-options',
    /revision is for models of the hub/,
    /hash/,
  ],
  ['a base revision of none', [{ name: 'org/a', baseRevision: 'v1' }], 'invalid-options', /baseRevision is for/, /./],
  [
    'a revision that is a path',
    [{ name: 'org/a', revision: '../../x' }],
    'invalid-options',
    /models\.0\.revision: is not a branch/,
    /./,
  ],
  [
    'an unknown key',
    [{ name: 'org/a', isPEFT: true } as ModelConfig],
    'invalid-options',
    /no "isPEFT"; did you mean "isPeft"/,
    /./,
  ],
  ['a GPU', [{ name: 'org/a', device: 'cuda:0' }], 'model-device', /has no GPU/, /device/],
  ['one variable twice', [{ name: 'org/a' }, { name: 'org/b' }], 'model-variable', /Two models/, /varName/],
  ['a word of Python', [{ name: 'org/a', varName: 'class' }], 'model-variable', /"class" cannot hold/, /varName/],
  [
    'the tokenizer’s name',
    [{ name: 'org/a', varName: 'tokenizer' }],
    'model-variable',
    /"tokenizer" cannot hold/,
    /varName/,
  ],
  [
    'another’s tokenizer’s name',
    [
      { name: 'org/a', varName: 'm' },
      { name: 'org/b', varName: 'm_tokenizer' },
    ],
    'model-variable',
    /cannot hold/,
    /varName/,
  ],
])('refused before anything starts: %s', (_, models, code, message, hint) => {
  const problem = thrown(() => check(...models))
  expect(problem).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.stringMatching(hint) })
})

function thrown(action: () => void): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}
