/** An interface as tools of a language model: one for each function, with the schema of its arguments. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { defineTool, type Tool, type ToolContext } from '../tools/tool.ts'
import type { Answer } from './call.ts'
import type { ExposedFunction } from './description.ts'
import { forModel } from './for-model.ts'
import type { Interface } from './interface.ts'

type Called = Answer & { readonly id: string }

const resultSchema = z.strictObject({ call: z.string(), result: z.json() })

export function toolsOf(served: Interface): Tool[] {
  for (const one of served.description.functions) refuseParameters(served, one)
  return served.description.functions.map((one) => toolOf(served, one))
}

/** Every object of JavaScript has these, so that none of them is ever seen as left out. */
function refuseParameters({ file }: Interface, { name, parameters }: ExposedFunction): void {
  const bad = parameters.find((one) => one.name in Object.prototype)
  if (!bad) return
  throw new SeerError('tool-parameter', {
    message: `The parameter ${bad.name} of ${name}, in ${file}, cannot be that of a tool.`,
    hint: 'Give it another name.',
  })
}

function toolOf(served: Interface, one: ExposedFunction): Tool {
  return defineTool({
    name: one.name,
    description: descriptionOf(served, one),
    input: inputOf(one),
    result: resultSchema,
    async execute(input, context) {
      const body = Buffer.from(JSON.stringify(input))
      const call = { function: one.name, body, buffers: [], data: new Uint8Array() }
      const answer = await served.call(call, { from: 'tool', by: context.by }, context.signal)
      return resultOf(served, one, answer, context)
    },
  })
}

function descriptionOf({ name }: Interface, { doc, signature }: ExposedFunction): string {
  const about = doc === '' ? `A function of ${name}.` : doc
  return `${about}\n\nSignature: ${signature}`
}

function inputOf({ parameters }: ExposedFunction): z.ZodObject {
  const shape = parameters.map(({ name, schema, required, default: given }) => {
    const type = z.fromJSONSchema(forInput(schema) as never)
    return [
      name,
      required
        ? type
        : given === undefined
          ? type.optional()
          : type.optional().describe(`Default: ${JSON.stringify(given)}`),
    ]
  })
  return z.strictObject(Object.fromEntries(shape) as Record<string, z.ZodType>)
}

/** A model writes arrays as lists. */
function forInput(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(forInput)
  if (typeof schema !== 'object' || schema === null) return schema
  if ('x-seer' in schema) return { type: 'array', description: 'Numbers, or lists of them' }
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, forInput(value)]))
}

function resultOf({ name }: Interface, one: ExposedFunction, answer: Called, { signal }: ToolContext) {
  if (!answer.ok) {
    if (answer.error.kind === 'cancelled') signal.throwIfAborted()
    const { kind, message, traceback } = answer.error
    throw new SeerError(`interface-${kind}`, {
      message: traceback === undefined ? message : `${message}\n${traceback}`,
    })
  }
  const { text, value } = forModel(answer.body)
  return {
    content: [{ type: 'text' as const, text: `[${answer.id}] ${name}.${one.name}:\n${text}` }],
    structured: { call: answer.id, result: value },
  }
}
