/** A session in which more than one may work: each is told what the others did, and one at a time runs code. */
import { SeerError } from '../errors.ts'
import type { By } from '../run/events.ts'
import { PATIENCE_MS } from './cell-result.ts'
import { openFloor, type Floor } from './floor.ts'
import { openNews } from './news.ts'
import type { Notebook } from './notebook.ts'
import type { Tool, ToolContext, ToolResult } from './tool.ts'

export interface Sharing {
  readonly floor: Floor
  readonly tools: readonly Tool[]
  /** Others for the same notebook, shared as these are. */
  readonly share: (tools: readonly Tool[]) => Tool[]
}

/** These put a cell into the kernel's queue. */
const RUNS_CODE = new Set([
  'execute_code',
  'edit_cell',
  'insert_cell',
  'restore_cells',
  'start_session_resume_notebook',
  'start_session_continue_notebook',
])

/** What the others are told of besides cells. */
const DEEDS: Readonly<Record<string, (input: { cell?: string }) => string>> = {
  restart_kernel: () => 'started the kernel anew: all variables of before are lost',
  delete_cell: ({ cell }) => `took ${cell} out of the notebook`,
  move_cell: ({ cell }) => `moved ${cell} to another place in the notebook`,
}

function runsCode({ name }: Tool, input: { kind?: unknown; cell?: unknown }, notebook: Notebook): boolean {
  if (name === 'edit_cell' && typeof input.cell === 'string' && notebook.cell(input.cell)?.kind === 'markdown')
    return false
  return RUNS_CODE.has(name) && input.kind !== 'text'
}

export function shared(notebook: Notebook, tools: readonly Tool[], patienceMs = PATIENCE_MS): Sharing {
  const floor = openFloor(notebook.kernel)
  const news = openNews(notebook)

  async function execute(tool: Tool, input: never, context: ToolContext): Promise<ToolResult> {
    const { by, signal } = context
    news.begin(by)
    const leave = runsCode(tool, input, notebook) ? await taken(floor, by, signal, patienceMs) : undefined
    const [running] = notebook.kernel.running
    // Before it is: whoever waits for that cell is answered at once.
    if (tool.name === 'interrupt' && running !== undefined)
      news.interrupted(by, running, notebook.kernel.authorOf(running))
    try {
      const result = await tool.execute(input, context)
      const deed = DEEDS[tool.name]?.(input)
      if (deed !== undefined) news.did(by, deed)
      const told = news.take(by)
      return told === undefined ? result : { ...result, content: [{ type: 'text', text: told }, ...result.content] }
    } finally {
      leave?.()
    }
  }
  const share = (more: readonly Tool[]) =>
    more.map((tool): Tool => ({ ...tool, execute: (input, context) => execute(tool, input, context) }))
  return { floor, tools: share(tools), share }
}

/** An agent is not kept waiting for longer than for a cell of its own. */
async function taken(floor: Floor, by: By, signal: AbortSignal, patienceMs: number): Promise<() => void> {
  const patience = AbortSignal.timeout(patienceMs)
  try {
    return await floor.take(by, AbortSignal.any([signal, patience]))
  } catch (error) {
    if (signal.aborted || !patience.aborted) throw error
    const names = floor.others(by).map((one) => one.replace('agent:', ''))
    throw new SeerError('kernel-busy', {
      message: `Nothing was run: ${names.join(' and ')} has a cell running in this kernel.`,
      hint: 'Call again to go on waiting. `interrupt` would stop that cell.',
    })
  }
}
