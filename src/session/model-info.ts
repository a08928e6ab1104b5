import { tokenizerName } from '../environment/models/model-config.ts'
import type { ModelHandle, WeightFacts } from '../environment/models/model-handle.ts'
import type { Workspace } from '../workspace/workspace.ts'

/** What an agent should know of its kernel before it starts. No path of a machine is named. */
export function modelInfoText(models: readonly ModelHandle[], workspace: Workspace): string {
  const lines = ['You work in a Jupyter kernel (Python). `PARAMS` holds the parameters of this experiment.']
  for (const model of models) lines.push(modelLine(model, models.length, workspace.preloadModels))
  if (workspace.libraries.length > 0) {
    lines.push(`These modules can be imported: ${workspace.libraries.map(({ name }) => `\`${name}\``).join(', ')}.`)
  }
  lines.push(
    '`seer.record({...}, table="...")` keeps a row of results with the run; `seer.save("name", value)` keeps a tensor, table, figure or JSON value.',
  )
  return lines.join('\n')
}

function modelLine(model: ModelHandle, count: number, isLoaded: boolean): string {
  const { name, varName, base, quantisation, loadAsPeft } = model
  const where = isLoaded
    ? `is loaded as \`${varName}\`, its tokenizer as \`${tokenizerName(varName, count)}\``
    : 'can be loaded with `seer.setup()`'
  const made = `${loaded(model)} on ${DEVICES[model.device] ?? model.device}, in evaluation mode.`
  if (base === undefined) {
    const wrapped = loadAsPeft
      ? ' It is a PEFT model whose adapter `default` does nothing; more can be loaded on it.'
      : ''
    return `The model ${name} ${where}: a Hugging Face transformers model${made} Weights: ${quantisation}.${wrapped}`
  }
  return (
    `The model ${name} ${where}: an adapter on ${base.name}, a PEFT model${made} Weights below it: ${base.quantisation}. ` +
    `\`with ${varName}.base():\` switches the adapter off, so that the same calls give the model below it, as a control.`
  )
}

const DEVICES: Record<string, string> = { auto: 'the CPU', cpu: 'the CPU' }

function loaded({ dtype }: ModelHandle): string {
  return dtype === 'auto' ? '' : ` in ${dtype}`
}

/** What a kernel needs to load it. */
export function modelForKernel({ name, varName, path, dtype, device, loadAsPeft, base }: ModelHandle) {
  const below = base ? { baseName: base.name, basePath: base.path } : {}
  return { name, varName, path, dtype, device, loadAsPeft, ...below }
}

/** What a run's record says of it: all but where it lay. */
export function modelForLog({ varName, dtype, device, loadAsPeft, base, ...own }: ModelHandle) {
  return { ...weightsOf(own), varName, dtype, device, loadAsPeft, ...(base ? { base: weightsOf(base) } : {}) }
}

function weightsOf({ name, weightsSha256, weightsHashFrom, quantisation, revision }: WeightFacts) {
  return { name, weightsSha256, weightsHashFrom, quantisation, ...(revision === undefined ? {} : { revision }) }
}
