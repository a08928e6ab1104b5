/** Is what the cells begin with the same as then? Before the first of them runs. */
import { SeerError } from '../../errors.ts'
import type { GivenFiles } from '../../environment/files/files-record.ts'
import type { ModelHandle } from '../../environment/models/model-handle.ts'
import { neutralise } from '../../notebook/terminal-text.ts'
import type { SourceSession } from './source.ts'

interface Weights {
  readonly name: string
  readonly weightsSha256: string
  readonly weightsHashFrom?: string | undefined
}

/** The same code on other weights makes other numbers. */
export function checkWeights(sessions: readonly SourceSession[], handles: readonly ModelHandle[]): void {
  for (const { start } of sessions)
    for (const model of start.models) {
      const handle = handles.find(({ varName }) => varName === model.varName)
      requireSame(model.varName, model, handle)
      requireSame(`${model.varName} (below its adapter)`, model.base, handle?.base)
    }
}

function requireSame(what: string, then: Weights | undefined, now: Weights | undefined): void {
  if (!then && !now) return
  // A hash of samples says nothing beside one of all bytes.
  const isSampled = (weights: Weights | undefined) => weights?.weightsHashFrom === 'sampled'
  if (then && now && (then.weightsSha256 === now.weightsSha256 || isSampled(then) !== isSampled(now))) return
  const shown = (weights: Weights | undefined) =>
    weights ? `${neutralise(weights.name)}, weights ${neutralise(weights.weightsSha256.slice(0, 12))}…` : 'none'
  throw new SeerError('replay-other-weights', {
    message: `The model in ${neutralise(what)} is not the one that the run had: ${shown(then)} then, ${shown(now)} now.`,
    hint: `The hash is in the run's log. Where the weights lie elsewhere now: --model ${neutralise(what.split(' ')[0]!)}=<name or folder>`,
  })
}

export function checkGiven(then: readonly GivenFiles[], now: readonly GivenFiles[]): void {
  const other = then.filter(({ to, sha256 }) => {
    const found = now.findLast((one) => one.to === to)
    return found?.sha256 !== sha256 && then.findLast((one) => one.to === to)?.sha256 === sha256
  })
  if (other.length === 0) return
  throw new SeerError('replay-files-changed', {
    message: `Files that the run had been given are not what they were: ${other.map(({ from }) => neutralise(from)).join(', ')}.`,
    hint: 'source/local-files.json of the run has their hashes. Put them back as they were.',
  })
}
