import type { ModelHandle } from '../environment/prepare.ts'
import type { Workspace } from '../workspace/workspace.ts'

/** What an agent should know of its kernel before it starts. No path of a machine is named. */
export function modelInfoText(models: readonly ModelHandle[], workspace: Workspace): string {
  const lines = ['You work in a Jupyter kernel (Python). `PARAMS` holds the parameters of this experiment.']
  const loaded = workspace.preloadModels
  for (const { name, varName, quantisation, dtype } of models) {
    const tokenizer = models.length === 1 ? 'tokenizer' : `${varName}_tokenizer`
    const where = loaded
      ? `is loaded as \`${varName}\`, its tokenizer as \`${tokenizer}\``
      : 'can be loaded with `seer.setup()`'
    lines.push(
      `The model ${name} ${where}: a Hugging Face transformers model in ${dtype} on the CPU, in evaluation mode. Weights: ${quantisation}.`,
    )
  }
  if (workspace.libraries.length > 0) {
    lines.push(`These modules can be imported: ${workspace.libraries.map(({ name }) => `\`${name}\``).join(', ')}.`)
  }
  lines.push(
    '`seer.record({...}, table="...")` keeps a row of results with the run; `seer.save("name", value)` keeps a tensor, table, figure or JSON value.',
  )
  return lines.join('\n')
}
