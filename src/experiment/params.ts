import { z } from 'zod'
import { didYouMean } from '../did-you-mean.ts'
import { sourceOf } from '../environment/models/model-name.ts'
import { SeerError } from '../errors.ts'
import { parseOptions } from '../options.ts'
import type { Experiment } from './experiment.ts'

type Json = z.core.util.JSONType

/** The parameter that names the model under study. */
const SUBJECT = 'model'

/** Defaults, then the profile, then each `key=value` and the subject model; checked as a whole. Throws for a model that cannot be loaded. */
export function resolveParams(
  experiment: Experiment,
  asked: { profile?: string; set: readonly string[]; subject?: string },
): { profile: string; params: Record<string, Json> } {
  const profile = asked.profile ?? Object.keys(experiment.profiles)[0]!
  const named = Object.hasOwn(experiment.profiles, profile) ? experiment.profiles[profile] : undefined
  if (!named) {
    const known = Object.keys(experiment.profiles)
    throw new SeerError('unknown-profile', {
      message: `There is no profile "${profile}"${didYouMean(profile, known)}`,
      hint: `The profiles are: ${known.join(', ')}.`,
    })
  }
  const known = Object.keys(experiment.params.shape).map((key) => [key, z.unknown().optional()] as const)
  parseOptions(`profile "${profile}"`, z.strictObject(Object.fromEntries(known)), named)
  const given = Object.fromEntries(asked.set.map((text) => parseAssignment(text, experiment.params)))
  if (asked.subject !== undefined) {
    checkAsked(experiment, asked.subject, given)
    given[SUBJECT] = asked.subject
  }
  const params = parseOptions('params', experiment.params.strict(), { ...named, ...given })
  // Whoever named it: the profile, --set or --subject. What can be no model's name is refused before anything starts.
  if (typeof params[SUBJECT] === 'string') sourceOf(params[SUBJECT])
  const json = z.record(z.string(), z.json()).safeParse(params)
  if (json.success) return { profile, params: json.data }
  throw new SeerError('experiment-params', {
    message: `The parameters are not JSON, so they cannot be kept with the run:\n${z.prettifyError(json.error)}`,
    hint: 'Use numbers, texts, booleans, null, and lists and objects of these.',
  })
}

/** A subject that nothing would use, or that is named twice. */
function checkAsked({ params }: Experiment, subject: string, given: Record<string, unknown>): void {
  if (!Object.hasOwn(params.shape, SUBJECT)) {
    throw new SeerError('invalid-options', {
      message: `This experiment has no parameter "${SUBJECT}", so --subject ${subject} would change nothing.`,
      hint: `Its parameters are: ${Object.keys(params.shape).join(', ') || 'none'}.`,
    })
  }
  if (Object.hasOwn(given, SUBJECT)) {
    throw new SeerError('invalid-options', {
      message: `--subject and --set ${SUBJECT}=… both name the subject model.`,
      hint: 'Give one of them.',
    })
  }
}

/** `steps=8` and `words=["a","b"]` are JSON; anything else is text where the parameter takes text. */
function parseAssignment(text: string, schema: z.ZodObject): [string, unknown] {
  const at = text.indexOf('=')
  if (at < 1) throw new SeerError('invalid-options', { message: `--set ${text} is not of the form key=value.` })
  const [key, value] = [text.slice(0, at), text.slice(at + 1)]
  const field = Object.hasOwn(schema.shape, key) ? (schema.shape[key] as z.ZodType) : undefined
  if (field?.safeParse(value).success) return [key, value]
  try {
    return [key, JSON.parse(value)]
  } catch {
    return [key, value]
  }
}

/** `{{name}}` in a task stands for a parameter: text as it is, anything else as JSON. */
export function renderTask(template: string, params: Readonly<Record<string, Json>>): string {
  return template.replaceAll(/\{\{\s*([A-Za-z_]\w*)\s*\}\}/g, (_, name: string) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined
    if (value !== undefined) return typeof value === 'string' ? value : JSON.stringify(value)
    throw new SeerError('task-placeholder', {
      message: `task.md names {{${name}}}, which is not a parameter${didYouMean(name, Object.keys(params))}`,
      hint: `The parameters are: ${Object.keys(params).join(', ') || 'none'}.`,
    })
  })
}
