/** What the kernel's variables are, without running a cell. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import type { Notebook } from './notebook.ts'
import { defineTool } from './tool.ts'
import { reads } from './annotations.ts'

const SECONDS = 10

const variableSchema = z.strictObject({
  name: z.string(),
  type: z.string(),
  about: z.string(),
  bytes: z.number().nullable(),
})
const answerSchema = z.object({ variables: z.array(variableSchema), more: z.int().nonnegative() })

export const listVariables = (notebook: Notebook) =>
  defineTool({
    name: 'list_variables',
    description:
      'List the variables that your code has made, newest last: name, type, and a few words (value, length, shape, type of numbers, device), with the size in bytes of arrays and tensors. Works while a cell runs, and adds no cell. Modules, functions and names that begin with _ are left out unless `all`.',
    input: z.strictObject({
      matching: z.string().max(100).default('').describe('Only names that hold this text'),
      all: z.boolean().default(false),
      limit: z.int().min(1).max(200).default(100),
    }),
    result: answerSchema,
    annotations: reads('List variables'),
    execute: async ({ matching, all, limit }, { signal }) => {
      const options = JSON.stringify(JSON.stringify({ matching, all, limit }))
      const code = `__import__("sys").modules["seer"]._variables(${options})`
      const { status, text, why } = await notebook.kernel.peek(code, SECONDS, signal)
      if (status !== 'ok')
        throw new SeerError('variables-unknown', {
          message: `The kernel did not tell its variables: ${why ?? text.trim().split('\n').at(-1) ?? status}.`,
          hint: 'Try again when the running cell has ended.',
        })
      const { variables, more } = readAnswer(text)
      const lines = variables.map(({ name, type, about, bytes }) => {
        const size = bytes === null ? '' : `, ${bytes.toLocaleString('en-US')} bytes`
        return `${name}: ${type}${about === '' ? '' : ` ${about}`}${size}`
      })
      const head = variables.length === 0 ? 'There are no variables of yours.' : lines.join('\n')
      const rest = more > 0 ? `\n[… ${more} earlier ones; ask with \`matching\` …]` : ''
      return { content: [{ type: 'text', text: head + rest }], structured: { variables, more } }
    },
  })

/** Made by code next to the agent's: a claim, as everything that comes from there. */
function readAnswer(text: string): z.output<typeof answerSchema> {
  try {
    return answerSchema.parse(JSON.parse(text))
  } catch {
    throw new SeerError('variables-unknown', {
      message: 'The kernel did not tell its variables in a form that can be read.',
      hint: 'Something may have replaced the module `seer`. Use peek or execute_code.',
    })
  }
}
