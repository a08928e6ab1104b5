/**
 * An experiment: code with parameters. What one changes between runs is data, validated before anything starts.
 */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { parseOptions } from '../options.ts'
import type { Library } from '../workspace/library.ts'
import type { Skill } from '../workspace/skill.ts'

export interface ExperimentContext<P> {
  readonly params: P
  /** `task.md`, with the parameters filled in. Throws `task-missing` where the experiment has none. */
  readonly task: string
  /** The folder of the experiment's files. */
  readonly folder: string
  /** A toolkit file by its name, as `steering_hook`: the experiment's own copy (`toolkit/steering_hook.py`), else Seer's. */
  readonly toolkit: (name: string) => Library
  /** A skill by its name, as `steering`: the experiment's own (`skills/steering/`), else Seer's. */
  readonly skill: (name: string) => Skill
  /** The name of the parameters' profile, or null where none was asked for. */
  readonly profile: string | null
  /** Aborted when the run is to end early. */
  readonly signal: AbortSignal
}

export interface Experiment<P extends z.ZodObject = z.ZodObject> {
  readonly description: string
  /** Every parameter with its default. Unknown keys are errors. The one named `model` is the subject model (`--subject`). */
  readonly params: P
  /** Named parameters: what differs from the defaults. The first one is used unless another is asked for. */
  readonly profiles: Readonly<Record<string, Partial<z.input<P>>>>
  /** Fixes what the agents' draws start from: Python's, numpy's and torch's generators. */
  readonly seed?: number
  run(context: ExperimentContext<z.output<P>>): Promise<void>
}

const definitionSchema = z.strictObject({
  description: z.string(),
  params: z.instanceof(z.ZodObject, { error: 'is not a zod object, such as z.strictObject({ … })' }),
  profiles: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .refine((profiles) => Object.keys(profiles).length > 0, 'needs at least one profile, such as { embedded: {} }'),
  seed: z.int().nonnegative().optional(),
  run: z.custom<Experiment['run']>((value) => typeof value === 'function', 'is not a function'),
})

const marked = new WeakSet<object>()

/** Declares an experiment: `export default experiment({ … })` in `experiment.ts`. */
export function experiment<P extends z.ZodObject>(definition: Experiment<P>): Experiment<P> {
  parseOptions('experiment', definitionSchema, definition)
  marked.add(definition)
  return definition
}

/** What a module exports by default, if it is an experiment. */
export function asExperiment(value: unknown, where: string): Experiment {
  if (typeof value === 'object' && value !== null && marked.has(value)) return value as Experiment
  throw new SeerError('experiment-invalid', {
    message: `${where} does not export an experiment.`,
    hint: 'Its default export must be experiment({ description, params, profiles, run }).',
  })
}
