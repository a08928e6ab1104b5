/** Tools that run cells, change them, and wait for them. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { adds, changes, reads } from './annotations.ts'
import { cellResultSchema, findCell, PATIENCE_MS, waitAndTell } from './cell-result.ts'
import type { Notebook } from './notebook.ts'
import { startCell } from './start-cell.ts'
import { defineTool, type Tool, type ToolContext } from './tool.ts'

export const MAX_CODE_CHARS = 200_000
const code = z.string().min(1).max(MAX_CODE_CHARS)
const cell = z.string().describe('A cell id, such as c3')
const markdownResult = z.strictObject({ cell: z.string() })

export function cellTools(notebook: Notebook): Tool[] {
  return [executeCode(notebook), addMarkdown(notebook), editCell(notebook), waitCell(notebook), readOutput(notebook)]
}

const executeCode = (notebook: Notebook) =>
  defineTool({
    name: 'execute_code',
    description:
      'Run Python in a new cell at the end of the notebook. Variables stay between cells. Returns the cell id and what it printed or showed (images too); long output is cut, and every cut says how to read the rest. A cell that takes longer than 25 s goes on running: you get status "running" and can wait_cell or interrupt.',
    input: z.strictObject({ code: code.describe('Python; IPython magics work') }),
    result: cellResultSchema,
    annotations: changes('Run code', { openWorldHint: true }),
    execute: async (input, context) => {
      const started = await startCell(notebook, input.code, { by: context.by })
      return waitAndTell(notebook, started.cell, context)
    },
  })

const addMarkdown = (notebook: Notebook) =>
  defineTool({
    name: 'add_markdown',
    description:
      'Add a text cell to the notebook: a heading, what you are about to test and why, or what you conclude. Returns its id.',
    input: z.strictObject({ text: z.string().min(1).max(MAX_CODE_CHARS) }),
    result: markdownResult,
    annotations: adds('Add a text cell'),
    execute: async ({ text }, { emit, by }) => {
      const id = notebook.kernel.takeCellId()
      emit({ type: 'markdown-add', by, session: notebook.kernel.session, cell: id, text })
      return Promise.resolve({ content: [{ type: 'text', text: `[${id}] added.` }], structured: { cell: id } })
    },
  })

const editCell = (notebook: Notebook) =>
  defineTool({
    name: 'edit_cell',
    description:
      'Replace a cell of your own: the new code runs in a new cell that takes its place (variables that the old one set stay). The old cell is kept in the record, marked as superseded. For a text cell, give the new text.',
    input: z.strictObject({ cell, code: code.describe('The whole new code, or the whole new text') }),
    result: z.union([cellResultSchema, markdownResult]),
    annotations: changes('Replace a cell', { openWorldHint: true }),
    execute: (input, context) => replaceCell(notebook, input, context),
  })

/** Runs new code, or writes new text, in the place of a cell. */
export async function replaceCell(
  notebook: Notebook,
  input: { readonly cell: string; readonly code: string },
  context: ToolContext,
  patienceMs = PATIENCE_MS,
) {
  const facts = findCell(notebook, input.cell)
  if (facts.hidden)
    throw new SeerError('cell-of-setup', { message: `${input.cell} belongs to the set-up and cannot be edited.` })
  if (facts.supersededBy) {
    throw new SeerError('cell-superseded', {
      message: `${input.cell} has been replaced by ${facts.supersededBy}. Edit that one.`,
    })
  }
  if (facts.removed) {
    throw new SeerError('cell-removed', {
      message: `${input.cell} has been taken out of the notebook. Write a new one.`,
    })
  }
  if (facts.kind === 'markdown') {
    const id = notebook.kernel.takeCellId()
    const { session } = notebook.kernel
    const { by } = context
    context.emit({ type: 'markdown-add', by, session, cell: id, text: input.code, supersedes: input.cell })
    const text = `[${id}] takes the place of ${input.cell}.`
    return { content: [{ type: 'text' as const, text }], structured: { cell: id } }
  }
  if (facts.status === 'running') {
    throw new SeerError('cell-running', {
      message: `${input.cell} is still running. Wait for it or interrupt it before you edit it.`,
    })
  }
  const started = await startCell(notebook, input.code, { by: context.by, supersedes: input.cell })
  return waitAndTell(notebook, started.cell, context, patienceMs)
}

const waitCell = (notebook: Notebook) =>
  defineTool({
    name: 'wait_cell',
    description:
      'Wait for a running cell, up to `seconds` (at most 25 a call), then get its status and output. For a cell that has ended: its output again.',
    input: z.strictObject({
      cell,
      seconds: z
        .number()
        .min(0)
        .max(PATIENCE_MS / 1000)
        .default(PATIENCE_MS / 1000),
    }),
    result: cellResultSchema,
    annotations: reads('Wait for a cell'),
    execute: async (input, context) => {
      findCell(notebook, input.cell)
      return waitAndTell(notebook, input.cell, context, input.seconds * 1000)
    },
  })

const readOutput = (notebook: Notebook) =>
  defineTool({
    name: 'read_output',
    description:
      'Read the whole text output of a cell in parts, where the result of execute_code was cut. `from` is a position in bytes, as the cut names it.',
    input: z.strictObject({
      cell,
      from: z.int().min(0).default(0),
      max_bytes: z.int().min(1).max(50_000).default(10_000),
    }),
    result: z.strictObject({ cell: z.string(), from: z.int(), next: z.int().nullable(), total_bytes: z.int() }),
    annotations: reads('Read the output of a cell'),
    execute: async (input) => {
      findCell(notebook, input.cell)
      const { text, from, next, totalBytes } = await notebook.readOutput(input.cell, input.from, input.max_bytes)
      const end = next ?? totalBytes
      const more = next === null ? 'This is the end.' : `More: read_output(cell="${input.cell}", from=${next}).`
      const headline = `[${input.cell}] bytes ${from} to ${end} of ${totalBytes}. ${more}`
      return {
        content: [{ type: 'text', text: headline }, ...(text === '' ? [] : [{ type: 'text' as const, text }])],
        structured: { cell: input.cell, from, next, total_bytes: totalBytes },
      }
    },
  })
