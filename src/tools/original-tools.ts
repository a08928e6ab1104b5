/** The eight tools of the framework that Seer replaces, by their names and arguments, over the same machinery. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import type { By } from '../run/events.ts'
import { cellResultSchema, waitAndTell } from './cell-result.ts'
import { MAX_CODE_CHARS, replaceCell } from './cell-tools.ts'
import type { Notebook } from './notebook.ts'
import { OWN_NOTEBOOK, runAgain, runFile } from './original-resume.ts'
import { seenCells } from './read-notebook-tool.ts'
import { startCell } from './start-cell.ts'
import { defineTool, type Tool } from './tool.ts'
import { adds, changes, reads } from './annotations.ts'

/** There a call waited this long for its cell. */
export const ORIGINAL_PATIENCE_MS = 20 * 60_000

const sessionId = z.string().describe('The id of the session, as attach_to_session and start_new_session tell it')
const code = z.string().min(1).max(MAX_CODE_CHARS)

const opened = z.strictObject({
  session_id: z.string(),
  notebook_path: z.string(),
  status: z.string(),
  kernel_id: z.string(),
  kernel_name: z.literal('python3'),
  vscode_url: z.null(),
  note: z.string(),
})
const cellResult = z.strictObject({ session_id: z.string(), ...cellResultSchema.shape })
const resumed = opened.extend({
  restoration_summary: z.string(),
  restoration_errors: z.array(z.strictObject({ cell: z.string(), error: z.string() })),
})

export function originalTools(notebook: Notebook): Tool[] {
  const { session } = notebook.kernel
  /** Who has said that they are done: each ends their own work, and nobody else's. */
  const done = new Set<By>()
  /** Throws what the agent can mend: another session than its own, or one that it has shut down. */
  const require = (id: string, by: By) => {
    if (id !== session)
      throw new SeerError('unknown-session', {
        message: `There is no session "${id.slice(0, 100)}" for you.`,
        hint: `Your session is "${session}".`,
      })
    if (done.has(by))
      throw new SeerError('session-shut-down', {
        message: 'You have shut this session down.',
        hint: 'Say what you have found.',
      })
  }
  const facts = (status: string, note: string) => ({
    session_id: session,
    notebook_path: OWN_NOTEBOOK,
    status,
    kernel_id: `${session}-${notebook.kernel.generation}`,
    kernel_name: 'python3' as const,
    vscode_url: null,
    note,
  })
  const told = <T extends object>(text: string, structured: T) => ({
    content: [{ type: 'text' as const, text }],
    structured,
  })

  const attach = defineTool({
    name: 'attach_to_session',
    description:
      'Attach to the notebook session that has been opened for you. It is attached already; this tells its id, which the other tools ask for. Addresses and folders are ignored.',
    input: z.strictObject({
      session_id: sessionId,
      jupyter_url: z.string().optional(),
      notebook_dir: z.string().nullable().optional(),
    }),
    result: opened,
    annotations: reads('Attach to the session'),
    execute: ({ session_id: id }, { by }) => {
      require(id, by)
      const note = `You work in the session "${session}". Its notebook is ${OWN_NOTEBOOK}.`
      return Promise.resolve(told(note, facts('attached', note)))
    },
  })

  const startNew = defineTool({
    name: 'start_new_session',
    description:
      'Tells the session that has been opened for you: there is one, with one kernel and one notebook. Call it first to learn its id.',
    input: z.strictObject({ experiment_name: z.string().nullable().optional() }),
    result: opened,
    annotations: reads('Learn the session'),
    execute: (_, { by }) => {
      require(session, by)
      const note = `Using the session that has been opened for you: "${session}".`
      return Promise.resolve(told(note, facts('started', note)))
    },
  })

  const resume = (name: string, status: string, words: string) =>
    defineTool({
      name,
      description: `${words} The cells of a notebook are run in its order, as new cells of this session's notebook. For its own notebook ("${OWN_NOTEBOOK}") the kernel is started anew first. Cells that fail are told, and the next one runs.`,
      input: z.strictObject({
        notebook_path: z.string().min(1).max(1000),
        experiment_name: z.string().nullable().optional(),
      }),
      result: resumed,
      annotations: changes('Run a notebook again', { openWorldHint: true }),
      execute: async ({ notebook_path: path }, context) => {
        require(session, context.by)
        const { summary, errors } = await (path === OWN_NOTEBOOK
          ? runAgain(notebook, context)
          : runFile(notebook, path, context))
        const text = [summary, ...errors.map(({ cell, error }) => `${cell}: ${error}`)].join('\n')
        const note = 'All of it is in the notebook of this session.'
        return told(text, { ...facts(status, note), restoration_summary: summary, restoration_errors: errors })
      },
    })

  const execute = defineTool({
    name: 'execute_code',
    description:
      'Run Python in a new cell at the end of the notebook. Variables stay between cells. Returns what it printed or showed (images too), and the error where there was one. Waits up to 20 minutes for the cell.',
    input: z.strictObject({ session_id: sessionId, code }),
    result: cellResult,
    annotations: changes('Run code', { openWorldHint: true }),
    execute: async (input, context) => {
      require(input.session_id, context.by)
      const { cell } = await startCell(notebook, input.code, { by: context.by })
      const result = await waitAndTell(notebook, cell, context, ORIGINAL_PATIENCE_MS)
      return { ...result, structured: { session_id: session, ...cellResultSchema.parse(result.structured) } }
    },
  })

  const markdown = defineTool({
    name: 'add_markdown',
    description:
      'Add a text cell at the end of the notebook: what you are about to test and why, or what you conclude. Returns its number.',
    input: z.strictObject({ session_id: sessionId, content: code }),
    result: z.strictObject({ cell_number: z.int() }),
    annotations: adds('Add a text cell'),
    execute: ({ session_id: id, content }, { emit, by }) => {
      require(id, by)
      const cell = notebook.kernel.takeCellId()
      emit({ type: 'markdown-add', by, session, cell, text: content })
      const number = seenCells(notebook).length
      return Promise.resolve(told(`[${cell}] is cell number ${number}.`, { cell_number: number }))
    },
  })

  const edit = defineTool({
    name: 'edit_cell',
    description:
      'Replace a code cell: the new code runs now, in its place (variables that the old one set stay). `cell_index` counts code cells from 0; -1 is the last one. The old cell is kept in the record.',
    input: z.strictObject({ session_id: sessionId, code, cell_index: z.int().default(-1) }),
    result: cellResult.extend({ cell_index: z.int(), actual_notebook_index: z.int() }),
    annotations: changes('Replace a cell', { openWorldHint: true }),
    execute: async ({ session_id: id, code: text, cell_index: index }, context) => {
      require(id, context.by)
      const seen = seenCells(notebook)
      const codes = seen.filter((cell) => notebook.cell(cell)?.kind === 'code')
      const at = index < 0 ? codes.length + index : index
      const cell = codes[at]
      if (cell === undefined)
        throw new SeerError('unknown-cell', {
          message: `There is no code cell number ${index}: there are ${codes.length}, counted from 0.`,
        })
      const result = await replaceCell(notebook, { cell, code: text }, context, ORIGINAL_PATIENCE_MS)
      const structured = cellResultSchema.parse(result.structured)
      return {
        ...result,
        structured: { session_id: session, ...structured, cell_index: at, actual_notebook_index: seen.indexOf(cell) },
      }
    },
  })

  const shutDown = defineTool({
    name: 'shutdown_session',
    description:
      'End your work in the session: a running cell of yours is stopped, and nothing of yours runs after this. The notebook stays.',
    input: z.strictObject({ session_id: sessionId }),
    result: z.strictObject({ session_id: z.string(), status: z.literal('shutdown') }),
    annotations: changes('End the session'),
    execute: async ({ session_id: id }, { by }) => {
      require(id, by)
      done.add(by)
      const { kernel } = notebook
      const [running] = kernel.running
      if (running !== undefined && kernel.authorOf(running) === by) await kernel.interrupt(by)
      return told(`The session "${session}" is shut down. Its notebook is kept.`, {
        session_id: session,
        status: 'shutdown' as const,
      })
    },
  })

  return [
    attach,
    startNew,
    resume('start_session_resume_notebook', 'resumed', 'Go on with a notebook.'),
    resume('start_session_continue_notebook', 'continued', 'Go on from a copy of a notebook.'),
    execute,
    markdown,
    edit,
    shutDown,
  ]
}
