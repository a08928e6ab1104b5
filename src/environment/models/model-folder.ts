import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { parseJson, readJsonFile } from '../json-file.ts'
import { configFacts, type ModelFiles } from './model-files.ts'
import { ADAPTER_CONFIG, MODEL_CONFIG } from './model-name.ts'
import { addElements, readSafetensors, type Elements } from './safetensors.ts'

export type ModelKind = 'model' | 'adapter'

/** In the order in which transformers and PEFT look for them. */
const WEIGHTS: Record<ModelKind, readonly string[]> = {
  model: ['model.safetensors', 'model.safetensors.index.json', 'pytorch_model.bin', 'pytorch_model.bin.index.json'],
  adapter: ['adapter_model.safetensors', 'adapter_model.bin'],
}
const TOKENIZER =
  /^(tokenizer\.json|tokenizer\.model|spiece\.model|sentencepiece\.bpe\.model|vocab\.(json|txt)|tekken\.json|.+\.tiktoken)$/

const indexSchema = z.object({ weight_map: z.record(z.string(), z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]*$/)) })

/** What lies in a model's folder, with every file of the weights checked to be whole; a text that says what is missing. */
export async function readModelFolder(folder: string, kind: ModelKind): Promise<ModelFiles | string> {
  const names = await readdir(folder).catch(() => undefined)
  if (!names) return 'the folder cannot be read'
  const configName = kind === 'model' ? MODEL_CONFIG : ADAPTER_CONFIG
  const config = await readConfig(join(folder, configName))
  if (config === undefined) return `${configName} is missing or no JSON`
  const found = WEIGHTS[kind].find((name) => names.includes(name))
  if (found === undefined) return `no weights are there (${WEIGHTS[kind].join(', ')})`
  const files = await weightFiles(folder, found)
  if (typeof files === 'string') return files
  const weights: { name: string; bytes: number }[] = []
  const parts: Elements[] = []
  for (const name of files) {
    const found = await readWeights(join(folder, name))
    if (typeof found === 'string') return `${name} ${found}`
    weights.push({ name, bytes: found.bytes })
    if (found.elements) parts.push(found.elements)
  }
  if (kind === 'model' && !names.some((name) => TOKENIZER.test(name))) return 'no tokenizer is there'
  return {
    weights,
    elements: parts.length === files.length ? addElements(parts) : undefined,
    config: configFacts(config),
  }
}

async function readConfig(path: string): Promise<Record<string, unknown> | undefined> {
  return parseJson(await readFile(path, 'utf8').catch(() => ''), z.record(z.string(), z.unknown()))
}

async function weightFiles(folder: string, name: string): Promise<string[] | string> {
  if (!name.endsWith('.index.json')) return [name]
  const index = await readJsonFile(join(folder, name), indexSchema)
  return index ? [...new Set(Object.values(index.weight_map))].sort() : `${name} is no index of weights`
}

async function readWeights(path: string): Promise<{ bytes: number; elements?: Elements } | string> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) return 'is missing'
  if (found.size === 0) return 'is empty'
  if (!path.endsWith('.safetensors')) return { bytes: found.size }
  const read = await readSafetensors(path)
  return typeof read === 'string' ? read : { bytes: found.size, ...read }
}
