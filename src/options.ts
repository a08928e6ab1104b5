import { z } from 'zod'
import { didYouMean } from './did-you-mean.ts'
import { SeerError } from './errors.ts'

/** Parses options of the public API: a SeerError names the option, and for an unknown key the nearest known one. */
export function parseOptions<S extends z.ZodObject>(what: string, schema: S, options: unknown): z.output<S> {
  const parsed = schema.safeParse(options)
  if (parsed.success) return parsed.data
  throw new SeerError('invalid-options', {
    message: `${what}: ${explain(parsed.error, schema)}`,
    hint: knownKeys(schema),
  })
}

function explain(error: z.ZodError, schema: z.ZodObject): string {
  return error.issues
    .map((issue) => {
      const path = issue.path.length > 0 ? `${issue.path.join('.')}: ` : ''
      if (issue.code !== 'unrecognized_keys') return `${path}${issue.message}`
      const known = keysAt(schema, issue.path)
      return issue.keys.map((key) => `${path}there is no "${key}"${didYouMean(key, known)}`).join(' ')
    })
    .join('; ')
}

/** The keys of the object at a path of options, through lists and defaults. */
function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional)
    return keysAt(schema.unwrap() as z.ZodType, path)
  const [first, ...rest] = path
  if (schema instanceof z.ZodArray && first !== undefined) return keysAt(schema.element as z.ZodType, rest)
  if (!(schema instanceof z.ZodObject)) return []
  const shape = schema.shape as Record<string, z.ZodType>
  if (first === undefined) return Object.keys(shape)
  const inner = shape[String(first)]
  return inner ? keysAt(inner, rest) : []
}

function knownKeys(schema: z.ZodObject): string {
  const keys = Object.keys(schema.shape)
  return keys.length > 0 ? `The keys are: ${keys.join(', ')}.` : 'It takes no keys.'
}
