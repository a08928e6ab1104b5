/** Running a notebook's cells again: the session's own, or a file of the workspace. As there, a failed cell does not end it. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { waitAndTell } from './cell-result.ts'
import type { Notebook } from './notebook.ts'
import { seenCells } from './read-notebook-tool.ts'
import { startCell } from './start-cell.ts'
import type { ToolContext } from './tool.ts'

export const OWN_NOTEBOOK = 'notebook.ipynb'
const MAX_FILE_BYTES = 64 * 1024 * 1024
const MAX_CELLS = 500
const PATIENCE_MS = 20 * 60_000

interface Resumed {
  readonly summary: string
  readonly errors: { cell: string; error: string }[]
}

interface Piece {
  readonly name: string
  readonly code: string
  readonly replays?: string
}

/** The kernel is started anew, and what stands in the notebook is run in it. */
export async function runAgain(notebook: Notebook, context: ToolContext): Promise<Resumed> {
  const cells = seenCells(notebook).flatMap((cell): Piece[] => {
    const facts = notebook.cell(cell)
    return facts?.kind === 'code' ? [{ name: cell, code: facts.source, replays: cell }] : []
  })
  await notebook.kernel.start(context.signal)
  notebook.generationsKnown.set(context.by, notebook.kernel.generation)
  await notebook.setUp()
  return runAll(notebook, cells, context)
}

const source = z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(''))])
const fileSchema = z.looseObject({
  cells: z.array(z.looseObject({ cell_type: z.string(), source })).max(10_000),
})

export async function runFile(notebook: Notebook, path: string, context: ToolContext): Promise<Resumed> {
  const bytes = await notebook.readFile(path, MAX_FILE_BYTES)
  const parsed = fileSchema.safeParse(readJson(bytes))
  if (!parsed.success)
    throw new SeerError('notebook-unreadable', {
      message: `${path} is not a notebook of nbformat 4.`,
      hint: 'Name an .ipynb file of the workspace.',
    })
  const cells = parsed.data.cells.flatMap(({ cell_type: type, source: code }, index): Piece[] =>
    type === 'code' && code.trim() !== '' ? [{ name: `${path}, cell ${index + 1}`, code }] : [],
  )
  return runAll(notebook, cells, context)
}

async function runAll(notebook: Notebook, cells: readonly Piece[], context: ToolContext): Promise<Resumed> {
  if (cells.length > MAX_CELLS)
    throw new SeerError('notebook-too-long', {
      message: `It has ${cells.length} code cells; at most ${MAX_CELLS} are run.`,
    })
  const errors: Resumed['errors'] = []
  let ran = 0
  for (const { name, code, replays } of cells) {
    const { cell } = await startCell(notebook, code, { by: context.by, ...(replays === undefined ? {} : { replays }) })
    ran += 1
    const { structured, content } = await waitAndTell(notebook, cell, context, PATIENCE_MS)
    if (structured.status === 'ok') continue
    const text = content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
    errors.push({ cell: `${name} (as ${cell})`, error: text.slice(-500).toWellFormed() })
    if (structured.status !== 'error') break
  }
  const left = cells.length - ran
  const stopped = left > 0 ? ` Stopped there; ${left} were not run.` : ''
  return { summary: `${ran - errors.length} of ${cells.length} code cells ran well.${stopped}`, errors }
}

function readJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString())
  } catch {
    return undefined
  }
}
