/** Goes on with a notebook session that an earlier process left in a sandbox: in the same kernel, with its variables. */
import { z } from 'zod'
import type { TakenSession } from '../environment/session-book.ts'
import type { Sandbox } from '../environment/sandbox.ts'
import { SeerError } from '../errors.ts'
import { parseOptions } from '../options.ts'
import { TOOL_SETS } from '../tools/tool-sets.ts'
import { untilAborted } from '../until-aborted.ts'
import { Workspace } from '../workspace/workspace.ts'
import { readKept, type KeptNotebook } from './kept-notebook.ts'
import { publishSession, type NotebookSession } from './notebook-session.ts'
import { openNotebook, type Earlier } from './open-notebook.ts'
import { openingOf, type Opening } from './opening.ts'
import { placeWorkspace, pythonPath } from './place-workspace.ts'
import { keptSteps, setUpSteps } from './set-up.ts'

const optionsSchema = z.strictObject({
  /** Copied anew, and used when the kernel is started anew. Without it: what the session had. */
  workspace: z.instanceof(Workspace).optional(),
  /** The schema of a finding's `answer`. Without it a finding is a claim in words. */
  answer: z.instanceof(z.ZodObject).optional(),
  /** As of `createNotebookSession`. Without it: what the session had. */
  tools: z.enum(TOOL_SETS).optional(),
})
export type AttachSessionOptions = z.input<typeof optionsSchema>

/**
 * Takes up a session of `sandbox.sessionIds`; without an id, the only one. What it printed while nobody had it is then in the run's log.
 * Throws a SeerError where there is none of that id, or it is open in this process already. A kernel that has died meanwhile is dead as
 * any other: `restart_kernel` starts another.
 */
export async function attachNotebookSession(
  sandbox: Sandbox,
  sessionId?: string,
  options: AttachSessionOptions = {},
): Promise<NotebookSession> {
  const parsed = parseOptions('attachNotebookSession', optionsSchema, options)
  const { workspace } = parsed
  if (sandbox.connection.refusal) throw sandbox.connection.refusal
  const { sessions, journal, run } = sandbox
  const taken = sessions.take(sessionId)
  const { kept } = taken
  try {
    const about = readKept(kept)
    const opening = openingAgain(sandbox, about, parsed)
    if (workspace) await placeWorkspace(sandbox, workspace)
    await untilAborted(journal.reached(sessions.upTo), run.signal)
    const open = await openNotebook(sandbox, opening, earlierOf(sandbox, taken, about))
    return await publishSession(sandbox, opening, open, kept)
  } catch (error) {
    sessions.giveBack(kept.session)
    throw error
  }
}

type Given = z.output<typeof optionsSchema>

function openingAgain(
  sandbox: Sandbox,
  about: KeptNotebook,
  { workspace, answer, tools = about.tools }: Given,
): Opening {
  const { restart, given, info } = about
  const { workspacePath, run } = sandbox
  const kind = { kind: 'notebook' } as const
  if (workspace) {
    const { params, seed } = restart?.config ?? run.start
    const steps = setUpSteps(workspace, [], workspacePath)
    return openingOf(sandbox, workspace, { kind, steps, answer, tools, params, seed })
  }
  if (!restart)
    throw new SeerError('workspace-needed', {
      message: 'The set-up of this session had a secret in it, and so was not written down.',
      hint: 'Give its workspace again: `attachNotebookSession(sandbox, id, { workspace })`.',
    })
  const steps = keptSteps(restart.steps)
  const found = { interfaces: [], pythonPath: pythonPath({ skills: [] }, workspacePath) }
  return { kind, steps, answer, tools, config: restart.config, given, info, ...found }
}

/** By now the log has all that happened while nobody had it. */
function earlierOf({ run }: Sandbox, { kept, death }: TakenSession, { cells, peeks }: KeptNotebook): Earlier {
  const { session, generation } = kept
  const running = run.cells(session).filter((cell) => run.cell(session, cell)?.status === 'running')
  const authors = new Map(kept.cells.map(({ cell, by }) => [cell, by]))
  return { session, run: kept.run, kernel: { generation, death, cells, peeks, authors, running } }
}
