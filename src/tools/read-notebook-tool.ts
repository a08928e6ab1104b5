/** The notebook as an agent reads it: an overview, or some cells whole. */
import { z } from 'zod'
import { renderForModel } from '../notebook/render.ts'
import { findCell } from './cell-result.ts'
import type { Notebook } from './notebook.ts'
import { defineTool, type ContentBlock } from './tool.ts'
import { reads } from './annotations.ts'

const BRIEF_CHARS = 300
const WHOLE_CHARS = 8000
const MAX_LISTED = 100

export const readNotebook = (notebook: Notebook) =>
  defineTool({
    name: 'read_notebook',
    description:
      'Read the notebook as it stands, in its order: each cell with its id, how it ended, the start of its code or text and of its output. With `cells`, only those, whole, with their pictures. Use it when you are not sure any more what stands where, or what a cell said. Cells of the set-up are left out; so are those that were replaced or taken out, unless you name them.',
    input: z.strictObject({
      cells: z.array(z.string()).min(1).max(20).optional().describe('Cell ids to read whole'),
      from: z.string().optional().describe('For an overview: the cell to begin at'),
      limit: z.int().min(1).max(MAX_LISTED).default(40),
    }),
    result: z.strictObject({
      cells: z.array(
        z.strictObject({ cell: z.string(), kind: z.enum(['code', 'text']), status: z.string().nullable() }),
      ),
      /** Where to read on. */
      next: z.string().nullable(),
    }),
    annotations: reads('Read the notebook'),
    execute: async ({ cells, from, limit }) => {
      const listed = cells ?? seenCells(notebook)
      for (const cell of [...(cells ?? []), ...(from === undefined ? [] : [from])]) findCell(notebook, cell)
      const start = from === undefined || cells ? 0 : firstFrom(notebook, listed, from)
      const shown = listed.slice(start, start + (cells ? listed.length : limit))
      const next = listed[start + shown.length] ?? null
      const told = await Promise.all(shown.map((cell) => tell(notebook, cell, cells !== undefined)))
      const more = next === null ? '' : ` More: read_notebook(from="${next}").`
      const head =
        listed.length === 0 ? 'The notebook has no cells yet.' : `${shown.length} of ${listed.length} cells.${more}`
      return {
        content: [{ type: 'text', text: head }, ...told.flat()],
        structured: {
          cells: shown.map((cell) => {
            const { kind, status } = findCell(notebook, cell)
            return {
              cell,
              kind: kind === 'code' ? ('code' as const) : ('text' as const),
              status: kind === 'code' ? status : null,
            }
          }),
          next,
        },
      }
    },
  })

/** Those that a reader of the notebook sees open. */
export function seenCells(notebook: Notebook): string[] {
  return notebook.cells().filter((id) => {
    const cell = notebook.cell(id)
    return cell !== undefined && !cell.hidden && !cell.removed && cell.supersededBy === null
  })
}

/** One that has been replaced or taken out since it was named as the next is still a place to begin at. */
function firstFrom(notebook: Notebook, seen: readonly string[], from: string): number {
  const order = new Map(notebook.cells().map((cell, at) => [cell, at]))
  const first = seen.findIndex((cell) => order.get(cell)! >= order.get(from)!)
  return first < 0 ? seen.length : first
}

async function tell(notebook: Notebook, cell: string, whole: boolean): Promise<ContentBlock[]> {
  const { kind, status, source, outputs, supersededBy, removed } = findCell(notebook, cell)
  const limit = whole ? WHOLE_CHARS : BRIEF_CHARS
  const fate = supersededBy === null ? (removed ? ', taken out' : '') : `, replaced by ${supersededBy}`
  const head = `[${cell}] ${kind === 'code' ? (status ?? 'unknown') : 'text'}${fate}`
  const code =
    source.length <= limit
      ? source
      : `${source.slice(0, limit).toWellFormed()}\n[… ${source.length - limit} more characters …]`
  if (kind === 'markdown') return [{ type: 'text', text: `${head}\n${code}` }]
  const rendered = await renderForModel(outputs, {
    cell,
    readBlob: notebook.readBlob,
    maxChars: limit,
    maxImages: whole ? 4 : 0,
  })
  const output = rendered.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
  const text = `${head}\n${code.trimEnd()}${output === '' ? '' : `\n--- output\n${output}`}`
  return [{ type: 'text', text }, ...rendered.filter((block) => block.type === 'image')]
}
