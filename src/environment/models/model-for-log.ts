import type { ModelHandle, WeightFacts } from './model-handle.ts'

/** What a run's record says of it: all but where it lay. */
export function modelForLog({ varName, dtype, device, loadAsPeft, base, ...own }: ModelHandle) {
  return { ...weightsOf(own), varName, dtype, device, loadAsPeft, ...(base ? { base: weightsOf(base) } : {}) }
}

function weightsOf({ name, weightsSha256, weightsHashFrom, quantisation, revision }: WeightFacts) {
  return { name, weightsSha256, weightsHashFrom, quantisation, ...(revision === undefined ? {} : { revision }) }
}
