/** A notebook session: a kernel in a sandbox, a workspace in it, and the tools that an agent works with. */
import { z } from 'zod'
import { modelForLog } from '../environment/models/model-for-log.ts'
import type { ModelHandle } from '../environment/models/model-handle.ts'
import type { Sandbox } from '../environment/sandbox.ts'
import { interfacesOf } from '../interface/client-library.ts'
import { Kernel } from '../kernel/kernel.ts'
import { publish, type LocalServer, type McpConfig, type OwnServer } from '../mcp/local.ts'
import { parseOptions } from '../options.ts'
import { readCellMessages } from '../run/cell-messages.ts'
import { emptyOutputs } from '../notebook/outputs.ts'
import { readOutput } from '../notebook/read-output.ts'
import type { Notebook } from '../tools/notebook.ts'
import type { Floor } from '../tools/floor.ts'
import { shared } from '../tools/sharing.ts'
import { TOOL_SETS, toolsOf, type ToolSet } from '../tools/tool-sets.ts'
import { toolsVersion, type Tool } from '../tools/tool.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { showWaiting } from '../status-line.ts'
import { untilAborted } from '../until-aborted.ts'
import { openCallers, openCalls, type Callers } from './session-calls.ts'
import { modelForKernel, modelInfoText } from './model-info.ts'
import { filesOf } from './files-of.ts'
import { instructionsOf } from './instructions.ts'
import { placeWorkspace, pythonPath } from './place-workspace.ts'
import { readableOf } from './readable.ts'
import { replayed, setUp, setUpSteps } from './set-up.ts'
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

/** What else a session of another kind has. */
export interface SessionKind {
  readonly kind: 'notebook' | 'local' | 'local-notebook'
  /** Models of other sandboxes, which its code can reach. */
  readonly reached?: readonly ModelHandle[]
  /** Beside those of the notebook. */
  readonly moreTools?: (place: SessionPlace) => Tool[]
}

/** For tools that start processes: of which session they are, and on whose behalf. */
export interface SessionPlace {
  readonly sandbox: Sandbox
  /** Variables by which a process finds the libraries, and the functions that the session may call. */
  readonly env: Readonly<Record<string, string>>
  readonly callers: Callers
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
      close,
    }: Pick<NotebookSession, 'tools' | 'mcpConfig'> & {
      info: string
      floor: Floor
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
    this.#close = close
  }

  /** Runs Python in the session's kernel, as the researcher: the cell is in the notebook. Waits its turn, and until the cell has ended. */
  async exec(code: string): Promise<ExecResult> {
    const { run } = this.#sandbox
    const leave = await this.#floor.take('researcher', run.signal)
    try {
      const { cell, ended } = await this.#kernel.execute(code, { by: 'researcher' })
      const { status } = await untilAborted(ended, run.signal)
      return { cell, status, text: await textOf(run, this.sessionId, cell) }
    } finally {
      leave()
    }
  }

  /** Takes the tools back, and ends calls that it has made. The kernel ends with its sandbox. Idempotent. */
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
  const open = () => openNotebook(sandbox, workspace, { steps, answer, tools, kind })
  await placeWorkspace(sandbox, workspace)
  const { kernel, info, server, notebook, floor, endCalls } = await open()
  const openOwn = async (): Promise<OwnServer> => {
    const own = await open()
    return { server: own.server, end: () => endOwn(sandbox, own) }
  }
  const { config, withdraw } = await publish('notebook', { ...server, openOwn })
  const close = async () => {
    withdraw()
    await endCalls()
  }
  const opened = new NotebookSession(sandbox, kernel, { tools: server.tools, info, mcpConfig: config, floor, close })
  players.set(opened, notebook)
  return opened
}

interface OpenNotebook {
  readonly kernel: Kernel
  readonly notebook: Notebook
  readonly info: string
  readonly server: LocalServer
  readonly floor: Floor
  /** Calls of served functions that its code has made. */
  readonly endCalls: () => Promise<void>
}

interface Opening {
  readonly steps: ReturnType<typeof setUpSteps>
  readonly answer: z.ZodObject | undefined
  readonly tools: ToolSet
  readonly kind: SessionKind
}

async function openNotebook(
  sandbox: Sandbox,
  workspace: Workspace,
  { steps, answer, tools: set, kind: { kind, moreTools, reached = [] } }: Opening,
): Promise<OpenNotebook> {
  const { run } = sandbox
  const session = sandbox.newSessionId()
  const models = sandbox.modelHandles.map(modelForKernel)
  const kernel = new Kernel({
    connection: sandbox.connection,
    emit: run.emit,
    sandbox: sandbox.sandboxId,
    session,
    config: { params: run.start.params, seed: run.start.seed, models: workspace.preloadModels ? models : [] },
  })
  sandbox.journal.listen(session, kernel)
  const names = new Set<string>()
  const notebook: Notebook = {
    ...notebookOf(sandbox, kernel, () => setUp(sandbox, kernel, steps)),
    hasTool: (name) => names.has(name),
  }
  const callers = openCallers(sandbox, session, kernel)
  const calls = await openCalls(sandbox, session, interfacesOf(workspace), callers)
  const env = { ...calls.env, PYTHONPATH: pythonPath(workspace, sandbox.workspacePath) }
  const more = moreTools?.({ sandbox, env, callers }) ?? []
  const { tools, floor } = shared(notebook, toolsOf(set, notebook, { answer, more }))
  for (const { name } of tools) names.add(name)
  run.emit({
    type: 'session-start',
    by: 'system',
    session,
    sandbox: sandbox.sandboxId,
    kind,
    toolsVersion: toolsVersion(tools),
    libraries: workspace.libraries.map(({ name, sha256 }) => ({ name, sha256 })),
    ...(workspace.skills.length > 0 ? { skills: workspace.skills.map(({ name, sha256 }) => ({ name, sha256 })) } : {}),
    models: [...sandbox.modelHandles, ...reached].map(modelForLog),
    ...(workspace.preloadModels ? {} : { preloadModels: false }),
  })
  try {
    using _ = showWaiting(workspace.preloadModels && models.length > 0 ? 'loading the model' : 'starting the kernel')
    await kernel.start(run.signal)
    await notebook.setUp()
  } catch (error) {
    await calls.close()
    emitEnd(sandbox, session, 'its set-up failed')
    throw error
  }
  const info = modelInfoText(sandbox.modelHandles, workspace, sandbox)
  const settle = (signal: AbortSignal) => kernel.settle(signal)
  const readable = readableOf(sandbox, notebook)
  const server = { run, tools, settle, session, readable, instructions: instructionsOf(info), floor }
  return { kernel, info, server, notebook, floor, endCalls: calls.close }
}

/** Whoever it was opened for has left. A sandbox that ends takes its kernels along. */
async function endOwn(sandbox: Sandbox, { kernel, endCalls }: OpenNotebook): Promise<void> {
  await endCalls()
  await kernel.stop().catch(() => undefined)
  emitEnd(sandbox, kernel.session, 'who had it has left')
}

/** A log that cannot be written any more has told so already. */
function emitEnd(sandbox: Sandbox, session: string, reason: string): void {
  try {
    sandbox.run.emit({ type: 'session-end', by: 'system', session, sandbox: sandbox.sandboxId, reason })
  } catch {
    return
  }
}

function notebookOf(sandbox: Sandbox, kernel: Kernel, setUpAgain: () => Promise<void>): Omit<Notebook, 'hasTool'> {
  const { run } = sandbox
  return {
    kernel,
    readBlob: (sha256, range) => run.artifacts.read(sha256, range),
    cell: (id) => run.cell(kernel.session, id),
    cells: () => run.cells(kernel.session),
    begun: () => run.progress(kernel.session).begun,
    late: () => run.progress(kernel.session).late,
    lateTold: new Map(),
    generationsKnown: new Map(),
    readOutput: (cell, from, maxBytes) =>
      readOutput(
        run.cell(kernel.session, cell)?.outputs ?? emptyOutputs(),
        () => readCellMessages(run.folder, kernel.session, cell),
        {
          from,
          maxBytes,
          readBlob: (sha256, range) => run.artifacts.read(sha256, range),
        },
      ),
    ...filesOf(sandbox),
    setUp: setUpAgain,
  }
}
