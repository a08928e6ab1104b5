/** A notebook session: a kernel in a sandbox, a workspace in it, and the tools that an agent works with. */
import { z } from 'zod'
import type { KeptSession } from '../environment/kept-sessions.ts'
import type { Sandbox } from '../environment/sandbox.ts'
import type { LazyJupyter } from '../jupyter/lazy-jupyter.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { publish, type McpConfig, type OwnServer } from '../mcp/local.ts'
import { parseOptions } from '../options.ts'
import type { Notebook } from '../tools/notebook.ts'
import type { Floor } from '../tools/floor.ts'
import { TOOL_SETS } from '../tools/tool-sets.ts'
import type { Tool } from '../tools/tool.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { untilAborted } from '../until-aborted.ts'
import { standingOf } from './kept-notebook.ts'
import { emitEnd, endOwn, openNotebook, type OpenNotebook } from './open-notebook.ts'
import { openingOf, type Opening, type SessionKind } from './opening.ts'
import { checkWorkspace } from './check-workspace.ts'
import { placeWorkspace } from './place-workspace.ts'
import { sessionEnded } from './session-ended.ts'
import { replayed, setUpSteps } from './set-up.ts'
import { textOf } from './text-of-cell.ts'

const optionsSchema = z.strictObject({
  /** The schema of a finding's `answer`. Without it a finding is a claim in words. */
  answer: z.instanceof(z.ZodObject).optional(),
  /** Runs again what a session of the sandbox's snapshot had run: the session's id, or true for the only one. */
  replay: z.union([z.boolean(), z.string()]).default(false),
  /** What the agent may do: `default` is what recordings are made with; `full` has all of Seer's tools for notebooks. */
  tools: z.enum(TOOL_SETS).default('default'),
})

/** What a session's own code printed. */
export interface ExecResult {
  readonly cell: string
  readonly status: 'ok' | 'error' | 'aborted' | 'died' | 'stopped' | 'unknown'
  readonly text: string
}

/** For Seer itself: what a session works with. */
const players = new WeakMap<NotebookSession, Pick<Notebook, 'kernel' | 'setUp'>>()

export function playerOf(session: NotebookSession): Pick<Notebook, 'kernel' | 'setUp'> {
  return players.get(session)!
}

export class NotebookSession {
  readonly sessionId: string
  /** For `runAgent`, and for any agent that speaks MCP. Whoever has it can use the session's tools: it holds a token. */
  readonly mcpConfig: McpConfig
  /** The same tools, for code of this process. */
  readonly tools: readonly Tool[]
  /** What the agent should know of the models, for its prompt. */
  readonly modelInfoText: string
  readonly workspacePath: string
  readonly #kernel: Kernel
  readonly #sandbox: Sandbox
  readonly #floor: Floor
  readonly #jupyter: LazyJupyter
  readonly #close: () => Promise<void>
  #terminated: Promise<void> | undefined

  constructor(
    sandbox: Sandbox,
    kernel: Kernel,
    {
      tools,
      info,
      mcpConfig,
      floor,
      jupyter,
      close,
    }: Pick<NotebookSession, 'tools' | 'mcpConfig'> & {
      info: string
      floor: Floor
      jupyter: LazyJupyter
      close: () => Promise<void>
    },
  ) {
    this.sessionId = kernel.session
    this.tools = tools
    this.modelInfoText = info
    this.workspacePath = sandbox.workspacePath
    this.mcpConfig = mcpConfig
    this.#kernel = kernel
    this.#sandbox = sandbox
    this.#floor = floor
    this.#jupyter = jupyter
    this.#close = close
  }

  /**
   * JupyterLab on this session, started the first time that it is asked for: the notebook to read, and a console whose cells are the
   * researcher's. Whoever has the url can run code in the session. Rejects with a SeerError where it cannot be had; the session goes on.
   */
  get jupyterUrl(): Promise<string> {
    return this.#jupyter.url()
  }

  /** Runs Python in the session's kernel, as the researcher: the cell is in the notebook. Waits its turn, and until the cell has ended. */
  async exec(code: string): Promise<ExecResult> {
    const { run } = this.#sandbox
    if (this.#terminated) throw sessionEnded(this.sessionId)
    const leave = await this.#floor.take('researcher', run.signal)
    try {
      const { cell, ended } = await this.#kernel.execute(code, { by: 'researcher' })
      const { status } = await untilAborted(ended, run.signal)
      return { cell, status, text: await textOf(run, this.sessionId, cell) }
    } finally {
      leave()
    }
  }

  /** Takes the tools back, and ends calls that it has made. The kernel ends with its sandbox; `exec` is refused. Idempotent. */
  terminate(): Promise<void> {
    this.#terminated ??= this.#close().finally(() => emitEnd(this.#sandbox, this.sessionId, 'terminated'))
    return this.#terminated
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate()
  }
}

/**
 * Opens a notebook in a sandbox: libraries, skills and files are copied, the kernel starts, models are loaded and the init code runs, in that
 * order. Throws a SeerError when the kernel does not start or the set-up fails.
 */
export async function createNotebookSession(
  sandbox: Sandbox,
  workspace: Workspace,
  options: z.input<typeof optionsSchema> = {},
): Promise<NotebookSession> {
  checkWorkspace('createNotebookSession', workspace)
  return openSession(sandbox, workspace, options, { kind: 'notebook' })
}

export async function openSession(
  sandbox: Sandbox,
  workspace: Workspace,
  options: z.input<typeof optionsSchema>,
  kind: SessionKind,
): Promise<NotebookSession> {
  const { answer, replay, tools } = parseOptions('createNotebookSession', optionsSchema, options)
  const steps = setUpSteps(workspace, replayed(sandbox, replay), sandbox.workspacePath)
  const { params, seed } = sandbox.run.start
  const opening = openingOf(sandbox, workspace, { steps, answer, tools, kind, params, seed })
  await placeWorkspace(sandbox, workspace)
  return publishSession(sandbox, opening, await openNotebook(sandbox, opening))
}

/** Serves it, and has it live on when its sandbox is let go. */
export async function publishSession(
  sandbox: Sandbox,
  opening: Opening,
  open: OpenNotebook,
  kept?: KeptSession,
): Promise<NotebookSession> {
  const { kernel, info, server, notebook, floor, jupyter, endCalls } = open
  const openOwn = async (): Promise<OwnServer> => {
    const own = await openNotebook(sandbox, opening)
    return { server: own.server, end: () => endOwn(sandbox, own) }
  }
  const { config, withdraw } = await publish('notebook', { ...server, openOwn })
  // Those of other kinds have a sandbox of their own, which nobody can let go.
  if (opening.kind.kind === 'notebook')
    sandbox.sessions.hold(kernel.session, standingOf(sandbox, kernel, opening), kept)
  const takeBack = sandbox.run.jupyter.offer(kernel.session, jupyter.url)
  const close = async () => {
    withdraw()
    takeBack()
    await jupyter.close()
    sandbox.sessions.end(kernel.session, 'it was terminated')
    await endCalls()
  }
  const opened = new NotebookSession(sandbox, kernel, {
    tools: server.tools,
    info,
    mcpConfig: config,
    floor,
    jupyter,
    close,
  })
  players.set(opened, notebook)
  return opened
}
