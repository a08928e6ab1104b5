/** How an experiment names the models that it studies. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { SeerError } from '../../errors.ts'
import { parseJson } from '../json-file.ts'
import { ADAPTER_CONFIG, MODEL_CONFIG, sourceOf, type ModelSource } from './model-name.ts'

const revision = z
  .string()
  .regex(/^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._/-]*$/, 'is not a branch, tag or commit of the hub')
  .optional()

export const modelConfigSchema = z.strictObject({
  /** `embedded` (the small chat model that Seer brings), a folder (`./path`, `/path`), or a model of the Hugging Face hub (`org/name`). */
  name: z.string(),
  /** The Python variable that holds it. */
  varName: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'is not a Python name')
    .default('model'),
  /** `name` is an adapter (LoRA and its like, saved by PEFT), loaded on `baseModel`. */
  isPeft: z.boolean().default(false),
  /** The model below an adapter; named as any other. */
  baseModel: z.string().optional(),
  /** Branch, tag or commit on the hub; the hub's `main` unless given. The commit that it stood for is recorded. */
  revision,
  /** The same for `baseModel`. */
  baseRevision: revision,
  /** What the weights are loaded as; `auto` is what they are stored as. */
  dtype: z.enum(['auto', 'float32', 'bfloat16', 'float16']).default('auto'),
  /** `auto` is a GPU where there is one, else the CPU. */
  device: z
    .string()
    .regex(/^(auto|cpu|cuda(:\d+)?)$/, 'is auto, cpu, cuda or cuda:0')
    .default('auto'),
  /** A plain model is wrapped as a PEFT model with an adapter that does nothing, so that more adapters can be loaded on it. */
  loadAsPeft: z.boolean().default(false),
})
export type ModelConfig = z.input<typeof modelConfigSchema>
export type ParsedModelConfig = z.output<typeof modelConfigSchema>

/** Names that the kernel uses itself, and the words of Python. */
const TAKEN =
  /^(seer|PARAMS|In|Out|get_ipython|exit|quit|False|None|True|and|as|assert|async|await|break|class|continue|def|del|elif|else|except|finally|for|from|global|if|import|in|is|lambda|nonlocal|not|or|pass|raise|return|try|while|with|yield)$/

/** The variable of a model's tokenizer, when `count` models are loaded. */
export function tokenizerName(varName: string, count: number): string {
  return count === 1 ? 'tokenizer' : `${varName}_tokenizer`
}

/** Before anything starts and without a network: what can be seen to be wrong, alone or together. `gpus`: how many were asked for. */
export function checkModels(models: readonly ParsedModelConfig[], gpus = 0): void {
  const taken = new Set<string>()
  for (const [i, model] of models.entries()) {
    const isSecond = models.findIndex(({ varName }) => varName === model.varName) < i
    checkVariable(model.varName, isSecond, taken, models.length)
    checkModel(model)
    checkDevice(model, gpus)
  }
}

function checkVariable(varName: string, isSecond: boolean, taken: Set<string>, count: number): void {
  const names = [varName, tokenizerName(varName, count)]
  if (isSecond) {
    throw new SeerError('model-variable', {
      message: `Two models are to be loaded into the variable "${varName}".`,
      hint: 'Give each model its own varName.',
    })
  }
  if (names.some((name) => taken.has(name)) || new Set(names).size < 2 || TAKEN.test(varName)) {
    throw new SeerError('model-variable', {
      message: `The variable "${varName}" cannot hold a model: the name is taken, by Python, the kernel or a tokenizer.`,
      hint: 'Give the model another varName.',
    })
  }
  for (const name of names) taken.add(name)
}

function checkModel(model: ParsedModelConfig): void {
  const source = sourceOf(model.name)
  const base = model.baseModel === undefined ? undefined : sourceOf(model.baseModel)
  const problem =
    (model.isPeft ? ofAdapter(model, source, base) : ofPlain(model, source)) ?? ofRevisions(model, source, base)
  if (problem)
    throw new SeerError('invalid-options', { message: `The model "${model.name}": ${problem[0]}`, hint: problem[1] })
}

/** GPUs are counted from 0 in each sandbox. */
function checkDevice({ name, device }: ParsedModelConfig, gpus: number): void {
  const number = Number(/^cuda(?::(\d+))?$/.exec(device)?.[1] ?? 0)
  if (!device.startsWith('cuda') || number < gpus) return
  throw new SeerError('model-device', {
    message:
      gpus === 0
        ? `The model "${name}" cannot be put on ${device}: the sandbox has no GPU.`
        : `The model "${name}" cannot be put on ${device}: the sandbox has ${gpus} of them, counted from 0.`,
    hint: gpus === 0 ? 'Leave out device, or ask for a GPU (`gpu`).' : 'Raise `gpuCount`, or choose another device.',
  })
}

type Problem = readonly [message: string, hint: string] | undefined

function ofAdapter({ baseModel }: ParsedModelConfig, source: ModelSource, base: ModelSource | undefined): Problem {
  if (source.kind === 'embedded') return ['the embedded model is no adapter.', 'Leave out isPeft and baseModel.']
  if (baseModel === undefined) {
    const known = source.kind === 'folder' ? baseOfAdapter(source.path) : undefined
    return [
      'isPeft needs baseModel, the model that the adapter is for.',
      known === undefined
        ? "Add baseModel: 'org/name'."
        : `Its ${ADAPTER_CONFIG} says that it was made for "${known}".`,
    ]
  }
  if (source.kind === 'folder' && !existsSync(join(source.path, ADAPTER_CONFIG)))
    return [`there is no ${ADAPTER_CONFIG} in ${source.path}, so it is no adapter.`, 'Leave out isPeft and baseModel.']
  if (base?.kind === 'folder' && !existsSync(join(base.path, MODEL_CONFIG)))
    return [
      `there is no ${MODEL_CONFIG} in its baseModel ${base.path}.`,
      'baseModel is a whole model, and not an adapter.',
    ]
  return undefined
}

function ofPlain({ baseModel }: ParsedModelConfig, source: ModelSource): Problem {
  if (baseModel !== undefined) return ['baseModel is for adapters.', 'Add isPeft: true, or leave out baseModel.']
  if (source.kind === 'folder' && !existsSync(join(source.path, MODEL_CONFIG)))
    return [`there is no ${MODEL_CONFIG} in ${source.path}: it is an adapter.`, 'Add isPeft: true and its baseModel.']
  return undefined
}

function ofRevisions(model: ParsedModelConfig, source: ModelSource, base: ModelSource | undefined): Problem {
  if (model.revision !== undefined && source.kind !== 'hub')
    return ['revision is for models of the hub.', 'Leave it out: what lies in a folder is recorded by its hash.']
  if (model.baseRevision !== undefined && base?.kind !== 'hub')
    return ['baseRevision is for a baseModel of the hub.', 'Leave it out.']
  return undefined
}

/** The name that an adapter has for the model it was trained on; often a folder of the machine where that was done. */
function baseOfAdapter(folder: string): string | undefined {
  const said = z.object({ base_model_name_or_path: z.string().min(1) })
  try {
    return parseJson(readFileSync(join(folder, ADAPTER_CONFIG), 'utf8'), said)?.base_model_name_or_path
  } catch {
    return undefined
  }
}
