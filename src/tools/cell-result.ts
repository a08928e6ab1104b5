/** How a cell is told to an agent: one line of facts, then its outputs, trimmed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'
import { renderForModel } from '../notebook/render.ts'
import type { By } from '../run/events.ts'
import type { CellFacts, Notebook } from './notebook.ts'
import type { ContentBlock, ToolContext, ToolResult } from './tool.ts'

/** A cell that takes longer is not stopped: the call returns `running`, and the agent decides. Below clients' 60 s time-outs. */
export const PATIENCE_MS = 25_000
const STOP_MS = 2000
/** Of what an agent asked for and is not there: so much is said back. */
const MAX_ECHO = 100
const MAX_NAMED = 100

export const cellResultSchema = z.strictObject({
  cell: z.string(),
  status: z.enum(['ok', 'error', 'aborted', 'died', 'unknown', 'running']),
  execution_count: z.int().nullable(),
  generation: z.int(),
})
/** Recordings know no more statuses than this schema. */
const STATUS_FOR_RECORDINGS = {
  running: 'running',
  ok: 'ok',
  error: 'error',
  aborted: 'aborted',
  died: 'died',
  stopped: 'died',
  unknown: 'unknown',
  detached: 'unknown',
} as const
type CellResult = ToolResult & { structured: z.input<typeof cellResultSchema> }

/** Waits for a cell up to `patienceMs`, then tells how it stands. The wait ends with the call's signal; the cell goes on. */
export async function waitAndTell(
  notebook: Notebook,
  cell: string,
  context: ToolContext,
  patienceMs = PATIENCE_MS,
): Promise<CellResult> {
  const ended = notebook.kernel.ended(cell)
  if (ended) {
    const timer = new AbortController()
    const signal = AbortSignal.any([timer.signal, context.signal])
    try {
      await Promise.race([ended, sleep(patienceMs, undefined, { signal })])
    } catch (error) {
      // Whoever stops the call wants its cell stopped too, and nobody else's.
      if (context.signal.aborted) await stopCell(notebook, cell, context.by)
      throw error
    } finally {
      timer.abort()
    }
  }
  return tellCell(notebook, cell)
}

/** Asks, and does not wait for a cell that will not listen. */
async function stopCell({ kernel }: Notebook, cell: string, by: By): Promise<void> {
  if (kernel.authorOf(cell) !== by) return
  const stopped = stopInTurn(kernel, cell).catch(() => undefined)
  await Promise.race([stopped, sleep(STOP_MS, undefined, { ref: false })])
}

/** What is in the kernel's queue cannot be taken out: it is stopped when it begins, and what runs before it goes on. */
async function stopInTurn(kernel: Notebook['kernel'], cell: string): Promise<void> {
  for (let [first] = kernel.running; first !== cell && kernel.ended(cell); [first] = kernel.running) {
    if (first !== undefined) await kernel.ended(first)
  }
  if (kernel.ended(cell)) await kernel.interrupt('system')
}

export async function tellCell(notebook: Notebook, cell: string): Promise<CellResult> {
  const facts = findCell(notebook, cell)
  const status = facts.status ?? 'unknown'
  const { generation } = notebook.kernel
  const text: ContentBlock = { type: 'text', text: headline(notebook, cell, facts) }
  const rendered = await renderForModel(facts.outputs, { cell, readBlob: notebook.readBlob })
  notebook.lateTold.set(cell, facts.lateMessages)
  return {
    content: [text, ...rendered, ...lateNews(notebook)],
    structured: {
      cell,
      status: STATUS_FOR_RECORDINGS[status],
      execution_count: facts.executionCount,
      generation,
    },
  }
}

/** Cells that a thread of theirs has gone on printing for, since the agent was told of them. Each is said once. */
function lateNews(notebook: Notebook): ContentBlock[] {
  const late = notebook.late().filter((cell) => {
    const { hidden = true, lateMessages = 0 } = notebook.cell(cell) ?? {}
    const isNews = !hidden && lateMessages > (notebook.lateTold.get(cell) ?? 0)
    if (isNews) notebook.lateTold.set(cell, lateMessages)
    return isNews
  })
  if (late.length === 0) return []
  const how = `read_output(cell="${late[0]}") shows it`
  const text = `[After ${late.length === 1 ? 'its' : 'their'} end, ${late.join(', ')} put out more, from a thread that goes on: ${how}.]`
  return [{ type: 'text', text }]
}

function headline(notebook: Notebook, cell: string, { status, outputs }: CellFacts): string {
  const quiet = outputs.next === 0 ? ' It printed nothing.' : ''
  switch (status) {
    case 'ok':
      return `[${cell}] ok.${quiet}`
    case 'error':
      return `[${cell}] raised an error.`
    case 'aborted':
      return `[${cell}] was not run: a cell before it failed or was interrupted.`
    case 'died':
      return `[${cell}] The kernel died while this cell ran (${notebook.kernel.death ?? 'it ended'}). All variables are lost. Call restart_kernel, then run again what you need.`
    case 'stopped':
      return `[${cell}] Seer ended the kernel while this cell ran. All variables were lost with it.`
    case 'running':
      return `[${cell}] is still running. Nothing is lost: call wait_cell to go on waiting, or interrupt to stop it. Its output so far:`
    case 'detached':
      return `[${cell}] goes on in a sandbox that was let go: whoever takes its session up will see its end.`
    default:
      return `[${cell}] ended in an unknown way: the connection to its kernel was lost.`
  }
}

/** Throws what the agent can mend: an id that does not exist. */
export function findCell(notebook: Notebook, cell: string): CellFacts {
  const facts = notebook.cell(cell)
  if (facts) return facts
  const cells = notebook.cells()
  const named = cells.slice(-MAX_NAMED).join(', ')
  const which = cells.length > MAX_NAMED ? 'The last cells are' : 'The cells are'
  const known = cells.length > 0 ? `${which}: ${named}.` : 'There are no cells yet.'
  throw new SeerError('unknown-cell', {
    message: `There is no cell "${cell.slice(0, MAX_ECHO).toWellFormed()}"${didYouMean(cell, cells) || '.'} ${known}`,
  })
}
