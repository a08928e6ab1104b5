/** After a kernel's death: runs chosen cells again, so that their variables come back. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { cellResultSchema, findCell, PATIENCE_MS, waitAndTell } from './cell-result.ts'
import type { Notebook } from './notebook.ts'
import { startCell } from './start-cell.ts'
import { defineTool, type ContentBlock } from './tool.ts'
import { changes } from './annotations.ts'

const MAX_CELLS = 200

export const restoreCells = (notebook: Notebook) =>
  defineTool({
    name: 'restore_cells',
    description:
      'After restart_kernel: run cells of before again, in the order in which you name them, so that their variables come back. Each runs as a new cell; the old ones stay. Stops at the first that does not end well, and at one that takes longer than 25 s. Returns which new cell each has become, the output of the last one, and which were not run.',
    input: z.strictObject({
      cells: z.array(z.string()).min(1).max(MAX_CELLS).describe('Cell ids in the order in which they are to run'),
    }),
    result: z.strictObject({
      restored: z.array(
        z.strictObject({ cell: z.string(), replays: z.string(), status: cellResultSchema.shape.status }),
      ),
      not_run: z.array(z.string()),
    }),
    annotations: changes('Run cells again', { openWorldHint: true }),
    execute: async ({ cells }, context) => {
      const codes = cells.map((cell) => ({ cell, code: codeOf(notebook, cell) }))
      const restored: { cell: string; replays: string; status: z.output<typeof cellResultSchema>['status'] }[] = []
      const until = performance.now() + PATIENCE_MS
      let last: readonly ContentBlock[] = []
      for (const { cell: replays, code } of codes) {
        const { cell } = await startCell(notebook, code, { by: context.by, replays })
        const told = await waitAndTell(notebook, cell, context, Math.max(0, until - performance.now()))
        const { status } = told.structured
        restored.push({ cell, replays, status })
        last = told.content
        if (status !== 'ok') break
      }
      const notRun = cells.slice(restored.length)
      return {
        content: [{ type: 'text', text: headline(restored, notRun) }, ...last],
        structured: { restored, not_run: notRun },
      }
    },
  })

function codeOf(notebook: Notebook, cell: string): string {
  const { kind, hidden, status, source } = findCell(notebook, cell)
  const why =
    kind === 'markdown'
      ? 'is a text cell: it has nothing to run'
      : hidden
        ? 'belongs to the set-up, which restart_kernel runs by itself'
        : status === 'running'
          ? 'is running'
          : undefined
  if (why !== undefined)
    throw new SeerError('cell-not-restorable', {
      message: `${cell} ${why}. Nothing was run.`,
      hint: 'Leave it out of the list.',
    })
  return source
}

function headline(restored: readonly { cell: string; replays: string; status: string }[], notRun: readonly string[]) {
  const well = restored.filter(({ status }) => status === 'ok').map(({ cell, replays }) => `${replays} as ${cell}`)
  const stopped = restored.find(({ status }) => status !== 'ok')
  const parts = [
    ...(well.length > 0 ? [`Ran again: ${well.join(', ')}.`] : []),
    ...(stopped ? [`Stopped at ${stopped.replays}, which ran as ${stopped.cell}:`] : []),
    ...(notRun.length > 0 ? [`Not run: ${notRun.join(', ')}.`] : []),
  ]
  return parts.join(' ')
}
