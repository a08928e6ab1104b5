/** Tools that change what stands where in the notebook. The log keeps everything, and so does the file: what is taken out is closed. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { cellResultSchema, findCell, waitAndTell } from './cell-result.ts'
import { MAX_CODE_CHARS } from './cell-tools.ts'
import type { CellFacts, Notebook } from './notebook.ts'
import { startCell } from './start-cell.ts'
import { defineTool, type Tool } from './tool.ts'
import { adds, changes } from './annotations.ts'

const place = {
  after: z.string().optional().describe('The cell behind which it is to stand'),
  before: z.string().optional().describe('Or the cell before which it is to stand'),
}

export function arrangeTools(notebook: Notebook): Tool[] {
  return [insertCell(notebook), deleteCell(notebook), moveCell(notebook)]
}

const insertCell = (notebook: Notebook) =>
  defineTool({
    name: 'insert_cell',
    description:
      'Put a new cell somewhere in the notebook, where execute_code and add_markdown would put it at the end. Code runs now, with the variables as they are now, wherever the cell stands. Name one of `after` and `before`. Returns the new id, and for code what it printed, as execute_code does.',
    input: z.strictObject({
      kind: z.enum(['code', 'text']),
      source: z.string().min(1).max(MAX_CODE_CHARS).describe('Python, or Markdown for a text cell'),
      ...place,
    }),
    result: z.union([cellResultSchema, z.strictObject({ cell: z.string() })]),
    annotations: changes('Put a cell in', { openWorldHint: true }),
    execute: async ({ kind, source, ...where }, context) => {
      const after = placeOf(notebook, where)
      if (kind === 'code') {
        const { cell } = await startCell(notebook, source, { by: context.by, after })
        return waitAndTell(notebook, cell, context)
      }
      const cell = notebook.kernel.takeCellId()
      const { session } = notebook.kernel
      context.emit({ type: 'markdown-add', by: context.by, session, cell, text: source, after })
      return { content: [{ type: 'text', text: `[${cell}] added.` }], structured: { cell } }
    },
  })

const deleteCell = (notebook: Notebook) =>
  defineTool({
    name: 'delete_cell',
    description:
      'Take a cell of your own out of the notebook: a dead end that a reader need not see. Its variables stay. It is kept in the record, closed and named as taken out: nothing that was tried is hidden. To change a cell, use edit_cell.',
    input: z.strictObject({ cell: z.string().describe('A cell id, such as c3') }),
    result: z.strictObject({ cell: z.string() }),
    annotations: changes('Take a cell out'),
    execute: ({ cell }, { emit, by }) => {
      requireOwn(cell, findCell(notebook, cell))
      emit({ type: 'cell-remove', by, session: notebook.kernel.session, cell, from: 'notebook' })
      const text = `[${cell}] was taken out of the notebook; the record keeps it. Variables are as they were.`
      return Promise.resolve({ content: [{ type: 'text', text }], structured: { cell } })
    },
  })

const moveCell = (notebook: Notebook) =>
  defineTool({
    name: 'move_cell',
    description:
      'Put a cell of your own somewhere else in the notebook, for the reader: nothing runs again, and variables stay. Name one of `after` and `before`.',
    input: z.strictObject({ cell: z.string().describe('A cell id, such as c3'), ...place }),
    result: z.strictObject({ cell: z.string(), after: z.string().nullable() }),
    annotations: adds('Move a cell', { idempotentHint: true }),
    execute: ({ cell, ...where }, { emit, by }) => {
      requireOwn(cell, findCell(notebook, cell))
      if (where.after === cell || where.before === cell)
        throw new SeerError('invalid-place', { message: `${cell} cannot stand beside itself.` })
      const after = placeOf(notebook, where, cell)
      emit({ type: 'cell-move', by, session: notebook.kernel.session, cell, after })
      const place = after === null ? 'stands first now' : `stands behind ${after} now`
      return Promise.resolve({ content: [{ type: 'text', text: `[${cell}] ${place}.` }], structured: { cell, after } })
    },
  })

/** The cell behind which something is to stand; null: before all that the agent sees. `moved` does not count: it is about to leave. */
function placeOf(
  notebook: Notebook,
  where: { after?: string | undefined; before?: string | undefined },
  moved?: string,
) {
  const { after, before } = where
  if ((after === undefined) === (before === undefined))
    throw new SeerError('invalid-place', {
      message: 'Name one of `after` and `before`: the cell beside which it is to stand.',
    })
  const beside = (after ?? before)!
  const facts = findCell(notebook, beside)
  if (facts.hidden && before !== undefined)
    throw new SeerError('cell-of-setup', { message: `${beside} belongs to the set-up, which stands before all cells.` })
  if (facts.supersededBy !== null)
    throw new SeerError('cell-superseded', {
      message: `${beside} has been replaced by ${facts.supersededBy}. Name that one.`,
    })
  if (after !== undefined) return after
  const seen = notebook.cells().filter((id) => {
    const cell = notebook.cell(id)
    return id !== moved && cell?.hidden === false && cell.supersededBy === null
  })
  return seen[seen.indexOf(beside) - 1] ?? null
}

function requireOwn(cell: string, { hidden, supersededBy, removed, status }: CellFacts): void {
  if (hidden) throw new SeerError('cell-of-setup', { message: `${cell} belongs to the set-up and stays where it is.` })
  if (supersededBy !== null)
    throw new SeerError('cell-superseded', { message: `${cell} has been replaced by ${supersededBy}. Name that one.` })
  if (removed) throw new SeerError('cell-removed', { message: `${cell} has been taken out of the notebook already.` })
  if (status === 'running')
    throw new SeerError('cell-running', { message: `${cell} is still running. Wait for it or interrupt it first.` })
}
