/** What a new sandbox has otherwise than the one that a snapshot is of. Pure. */
import { SeerError } from '../../errors.ts'
import { neutralise } from '../../notebook/terminal-text.ts'
import type { ModelHandle, WeightFacts } from '../models/model-handle.ts'
import type { SnapshotRecord } from './snapshot.ts'

const SHOWN = 10

type Weights = Pick<WeightFacts, 'name' | 'weightsSha256' | 'weightsHashFrom'>

/** The same code on other weights would make other numbers. Models are paired by their variable, else by their name. */
export function refuseOtherWeights({ id, models }: SnapshotRecord, handles: readonly ModelHandle[]): void {
  for (const handle of handles) {
    const saved =
      models.find(({ varName }) => varName === handle.varName) ?? models.find(({ name }) => name === handle.name)
    refuseUnlessSame(id, saved, handle)
    refuseUnlessSame(id, saved?.base, handle.base)
  }
}

function refuseUnlessSame(id: string, before: Weights | undefined, now: Weights | undefined): void {
  if (!before || !now || before.weightsSha256 === now.weightsSha256) return
  // A hash of samples says nothing beside one of all bytes.
  if ((before.weightsHashFrom === 'sampled') !== (now.weightsHashFrom === 'sampled')) return
  const [was, is] = [before, now].map(
    ({ name, weightsSha256 }) => `${neutralise(name)}, ${neutralise(weightsSha256.slice(0, 12))}…`,
  )
  throw new SeerError('snapshot-other-weights', {
    message: `A model has other weights than in the snapshot ${id}: ${is}. It was ${was}`,
    hint: 'Name the same model, by its `revision` if it has changed since. For another one, give it another varName.',
  })
}

/** Sentences for notices: nothing of it keeps the sandbox from starting. */
export function differences(
  { models, environment, seed }: SnapshotRecord,
  now: { handles: readonly ModelHandle[]; lock: string; seed: number },
): string[] {
  const missing = models.filter(({ varName }) => !now.handles.some((handle) => handle.varName === varName))
  const packages = packageDifferences(environment.lock, now.lock)
  return [
    ...(missing.length > 0 ? [`These models are not in it: ${missing.map(({ name }) => name).join(', ')}.`] : []),
    ...(packages.length > 0 ? [`Its packages are others: ${someOf(packages)}.`] : []),
    ...(seed === now.seed ? [] : [`Its seed is ${now.seed}, and was ${seed}: what is drawn at random will differ.`]),
  ]
}

/** Of lines `name==version`. */
export function packageDifferences(before: string, now: string): string[] {
  const [was, is] = [versions(before), versions(now)]
  const names = [...new Set([...was.keys(), ...is.keys()])].sort()
  return names.flatMap((name) => {
    const [old, next] = [was.get(name), is.get(name)]
    if (old === next) return []
    return [
      old === undefined
        ? `${name} ${next} is new`
        : next === undefined
          ? `${name} ${old} is missing`
          : `${name} ${next}, was ${old}`,
    ]
  })
}

function versions(lock: string): Map<string, string> {
  return new Map(
    lock.split('\n').flatMap((line) => {
      const [name, version] = line.trim().split('==')
      return name && version ? [[name, version] as const] : []
    }),
  )
}

function someOf(all: readonly string[]): string {
  const more = all.length - SHOWN
  return all.slice(0, SHOWN).join(', ') + (more > 0 ? ` and ${more} more` : '')
}
