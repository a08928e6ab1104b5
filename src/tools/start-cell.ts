/** The one way in which a tool starts a cell: refused where the variables are lost and whoever asks does not know it yet. */
import { SeerError } from '../errors.ts'
import type { CellOptions, StartedCell } from '../kernel/kernel.ts'
import type { Notebook } from './notebook.ts'

const MAX_NAMED = 40

export async function startCell(notebook: Notebook, code: string, options: CellOptions): Promise<StartedCell> {
  const { kernel, generationsKnown } = notebook
  const known = generationsKnown.get(options.by)
  if (known !== undefined && known < kernel.generation && kernel.death === undefined) {
    generationsKnown.set(options.by, kernel.generation)
    throw new SeerError('kernel-restarted', {
      message: `Since your last call somebody else has started the kernel anew (number ${kernel.generation}). All variables are lost, and nothing was run now.`,
      hint: `What you call next runs in the new kernel. ${againHint(notebook, ranIn(notebook, known))}`,
    })
  }
  try {
    const started = await kernel.execute(code, options)
    generationsKnown.set(options.by, kernel.generation)
    return started
  } catch (error) {
    if (error instanceof SeerError && error.code === 'kernel-dead') throw deadKernel(notebook)
    throw error
  }
}

/** The kernel has died, and nothing runs until the agent has said that it knows: by starting it anew. */
function deadKernel(notebook: Notebook): SeerError {
  const { death = 'it ended', generation } = notebook.kernel
  const ran = ranIn(notebook, generation)
  const told =
    ran.length === 0 ? 'No cell of yours had run in it.' : `What these cells had made is gone: ${named(ran)}.`
  return new SeerError('kernel-dead', {
    message: `The kernel has died (${death}). All variables are lost, and nothing was run now. ${told} Their output stays in the notebook.`,
    hint: `Call restart_kernel: it says that you know, and starts a new kernel. ${againHint(notebook, ran)}`,
  })
}

/** The cells that set the variables of a kernel, in their order: none of the set-up, which runs by itself. */
export function ranIn(notebook: Notebook, generation: number): string[] {
  return notebook.cells().filter((id) => {
    const facts = notebook.cell(id)
    return facts?.kind === 'code' && !facts.hidden && facts.generation === generation && facts.status !== 'aborted'
  })
}

export function againHint({ hasTool }: Notebook, ran: readonly string[]): string {
  if (ran.length === 0) return ''
  if (!hasTool('restore_cells')) return 'Then run again what you need.'
  return `Then restore_cells(cells=${JSON.stringify(ran.slice(0, MAX_NAMED))}) runs them again, or those of them that you need.`
}

function named(cells: readonly string[]): string {
  const more = cells.length - MAX_NAMED
  return more > 0 ? `${cells.slice(0, MAX_NAMED).join(', ')} and ${more} more` : cells.join(', ')
}
