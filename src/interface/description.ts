/** What an interface offers, as its own process describes it once it is loaded (`python/seer_interface/describe.py`). */
import { z } from 'zod'

const NAME = /^[A-Za-z]\w{0,63}$/
const jsonSchema = z.record(z.string(), z.json())

const parameterSchema = z.object({
  name: z.string().regex(/^[A-Za-z_]\w*$/),
  kind: z.enum(['positional', 'both', 'keyword']),
  required: z.boolean(),
  /** As it would travel. */
  default: z.json().optional(),
  schema: jsonSchema,
})
export type Parameter = z.infer<typeof parameterSchema>

const functionSchema = z.object({
  name: z.string().regex(NAME),
  doc: z.string(),
  /** As Python prints it: `(text: str, *, k: int = 3) -> dict`. */
  signature: z.string(),
  parameters: z.array(parameterSchema),
  returns: jsonSchema,
  /** May run beside other calls. */
  concurrent: z.boolean(),
  /** How long one call may take. */
  seconds: z.number().positive(),
})
export type ExposedFunction = z.infer<typeof functionSchema>

export const descriptionSchema = z.object({
  interface: z.literal(1),
  doc: z.string(),
  functions: z.array(functionSchema).min(1).max(256),
})
export type Description = z.infer<typeof descriptionSchema>

/** For a prompt: each function with its signature and docstring. */
export function describeInText({ doc, functions }: Description, how: string): string {
  const parts = functions.map((one) => {
    const signature = `\`${one.name}${one.signature}\``
    return one.doc === '' ? `- ${signature}` : `- ${signature}\n\n${indented(one.doc)}`
  })
  return [...(doc === '' ? [] : [doc]), how, ...parts].join('\n\n')
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => (line.trim() === '' ? '' : `  ${line}`))
    .join('\n')
}
