/** A notebook session: a kernel in a sandbox, a workspace in it, and the tools that an agent works with. */
import { z } from 'zod'
import type { Sandbox } from '../environment/sandbox.ts'
import { isOwnFile } from '../environment/snapshot/own-files.ts'
import { Kernel } from '../kernel/kernel.ts'
import { publish, type McpConfig } from '../mcp/local.ts'
import { parseOptions } from '../options.ts'
import type { TreeEntry } from '../sandbox/backend.ts'
import { readCellMessages } from '../run/cell-messages.ts'
import { emptyOutputs } from '../notebook/outputs.ts'
import { readOutput } from '../notebook/read-output.ts'
import type { Notebook } from '../tools/notebook.ts'
import { TOOL_SETS, toolsOf } from '../tools/tool-sets.ts'
import { toolsVersion, type Tool } from '../tools/tool.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { showWaiting } from '../status-line.ts'
import { untilAborted } from '../until-aborted.ts'
import { modelForKernel, modelForLog, modelInfoText } from './model-info.ts'
import { placeWorkspace } from './place-workspace.ts'
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

/** For Seer itself: what a session works with. */
const players = new WeakMap<NotebookSession, Pick<Notebook, 'kernel' | 'setUp'>>()

export function playerOf(session: NotebookSession): Pick<Notebook, 'kernel' | 'setUp'> {
  return players.get(session)!
}

export class NotebookSession {
  readonly sessionId: string
  /** For `runAgent`. */
  readonly mcpConfig: McpConfig
  /** The same tools, for code of this process. */
  readonly tools: readonly Tool[]
  /** What the agent should know of the models, for its prompt. */
  readonly modelInfoText: string
  readonly workspacePath: string
  readonly #kernel: Kernel
  readonly #sandbox: Sandbox
  readonly #withdraw: () => void
  #terminated = false

  constructor(sandbox: Sandbox, kernel: Kernel, tools: readonly Tool[], info: string) {
    this.sessionId = kernel.session
    this.tools = tools
    this.modelInfoText = info
    this.workspacePath = sandbox.workspacePath
    this.#kernel = kernel
    this.#sandbox = sandbox
    const { config, withdraw } = publish('notebook', {
      run: sandbox.run,
      tools,
      settle: (signal) => kernel.settle(signal),
    })
    this.mcpConfig = config
    this.#withdraw = withdraw
  }

  /** Runs Python in the session's kernel, as the researcher: the cell is in the notebook. Waits until it has ended. */
  async exec(code: string): Promise<ExecResult> {
    const { cell, ended } = await this.#kernel.execute(code, { by: 'researcher' })
    const { status } = await untilAborted(ended, this.#sandbox.run.signal)
    return { cell, status, text: await textOf(this.#sandbox.run, this.sessionId, cell) }
  }

  /** Takes the tools back. The kernel ends with its sandbox. Idempotent. */
  terminate(): Promise<void> {
    if (!this.#terminated) {
      this.#terminated = true
      this.#withdraw()
      emitEnd(this.#sandbox, this.sessionId, 'terminated')
    }
    return Promise.resolve()
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
  const { answer, replay, tools: set } = parseOptions('createNotebookSession', optionsSchema, options)
  const steps = setUpSteps(workspace, replayed(sandbox, replay), sandbox.workspacePath)
  const { run } = sandbox
  const session = sandbox.newSessionId()
  await placeWorkspace(sandbox, workspace)
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
  const tools = toolsOf(set, notebook, answer)
  for (const { name } of tools) names.add(name)
  run.emit({
    type: 'session-start',
    by: 'system',
    session,
    sandbox: sandbox.sandboxId,
    kind: 'notebook',
    toolsVersion: toolsVersion(tools),
    libraries: workspace.libraries.map(({ name, sha256 }) => ({ name, sha256 })),
    ...(workspace.skills.length > 0 ? { skills: workspace.skills.map(({ name, sha256 }) => ({ name, sha256 })) } : {}),
    models: sandbox.modelHandles.map(modelForLog),
    ...(workspace.preloadModels ? {} : { preloadModels: false }),
  })
  try {
    using _ = showWaiting(workspace.preloadModels && models.length > 0 ? 'loading the model' : 'starting the kernel')
    await kernel.start(run.signal)
    await notebook.setUp()
  } catch (error) {
    emitEnd(sandbox, session, 'its set-up failed')
    throw error
  }
  const opened = new NotebookSession(sandbox, kernel, tools, modelInfoText(sandbox.modelHandles, workspace, sandbox))
  players.set(opened, notebook)
  return opened
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
    readFile: async (path, maxBytes) => run.redactor.bytes(await sandbox.readFile(path, { maxBytes })),
    writeFile: (path, bytes) => sandbox.writeFile(path, bytes),
    listFiles: (path, signal) => filesAt(sandbox, path, signal),
    setUp: setUpAgain,
  }
}

async function* filesAt({ trees }: Sandbox, path: string, signal: AbortSignal): AsyncGenerator<TreeEntry> {
  // Packages that the agent has installed are many, and nobody looks for them so.
  const isShown = (found: string) => !isOwnFile(found) && !/^\.packages(\/|$)/.test(found)
  for await (const entry of trees.take(path, { signal })) if (isShown(entry.path)) yield entry
}
