/** The kernel of a notebook, its tools and its calls: started and set up, or gone on with. */
import type { Sandbox } from '../environment/sandbox.ts'
import { DETACHED } from '../environment/detach-sandbox.ts'
import { lazyJupyter, type LazyJupyter } from '../jupyter/lazy-jupyter.ts'
import { Kernel, type EarlierKernel } from '../kernel/kernel.ts'
import type { LocalServer } from '../mcp/local.ts'
import { emptyOutputs } from '../notebook/outputs.ts'
import { readOutput } from '../notebook/read-output.ts'
import { readCellMessages } from '../run/cell-messages.ts'
import { showWaiting } from '../status-line.ts'
import type { Floor } from '../tools/floor.ts'
import { kernelTools } from '../tools/kernel-tools.ts'
import type { Notebook } from '../tools/notebook.ts'
import { shared } from '../tools/sharing.ts'
import { toolsOf } from '../tools/tool-sets.ts'
import { toolsVersion } from '../tools/tool.ts'
import { untilAborted } from '../until-aborted.ts'
import { filesOf } from './files-of.ts'
import { goesOnText, instructionsOf } from './instructions.ts'
import type { Opening } from './opening.ts'
import { readableOf } from './readable.ts'
import { openCallers, openCalls } from './session-calls.ts'
import { setUp } from './set-up.ts'

export interface OpenNotebook {
  readonly kernel: Kernel
  readonly notebook: Notebook
  readonly info: string
  readonly server: LocalServer
  readonly floor: Floor
  readonly jupyter: LazyJupyter
  /** Calls of served functions that its code has made. */
  readonly endCalls: () => Promise<void>
}

/** One that an earlier process opened. */
export interface Earlier {
  readonly session: string
  /** The run that had it last. */
  readonly run: string
  readonly kernel: EarlierKernel
}

export async function openNotebook(sandbox: Sandbox, opening: Opening, earlier?: Earlier): Promise<OpenNotebook> {
  const { run } = sandbox
  const { steps, config, given, interfaces, answer, kind } = opening
  const session = earlier?.session ?? sandbox.newSessionId()
  const kernel = new Kernel({
    connection: sandbox.connection,
    emit: run.emit,
    sandbox: sandbox.sandboxId,
    session,
    config,
    earlier: earlier?.kernel,
  })
  sandbox.journal.listen(session, kernel)
  const names = new Set<string>()
  const notebook: Notebook = {
    ...notebookOf(sandbox, kernel, () => setUp(sandbox, kernel, steps)),
    hasTool: (name) => names.has(name),
  }
  const callers = openCallers(sandbox, session, kernel)
  const calls = await openCalls(sandbox, session, interfaces, callers)
  const env = { ...calls.env, PYTHONPATH: opening.pythonPath }
  const more = kind.moreTools?.({ sandbox, env, callers }) ?? []
  const { tools, floor, share } = shared(notebook, toolsOf(opening.tools, notebook, { answer, more }))
  for (const { name } of tools) names.add(name)
  run.emit({
    type: 'session-start',
    by: 'system',
    session,
    sandbox: sandbox.sandboxId,
    kind: kind.kind,
    toolsVersion: toolsVersion(tools),
    ...given,
    ...(earlier ? { attached: { run: earlier.run } } : {}),
  })
  if (!earlier) {
    try {
      using _ = showWaiting(config.models.length > 0 ? 'loading the model' : 'starting the kernel')
      await kernel.start(run.signal)
      await notebook.setUp()
    } catch (error) {
      await calls.close()
      // The sandbox may go on without it; one that ends takes its kernels along.
      await untilAborted(kernel.stop(), run.signal).catch(() => undefined)
      emitEnd(sandbox, session, 'its set-up failed')
      throw error
    }
  }
  const info = earlier ? `${opening.info}\n${goesOnText(kernel, earlier)}` : opening.info
  const settle = (signal: AbortSignal) => kernel.settle(signal)
  const readable = readableOf(sandbox, notebook)
  const server = { run, tools, settle, session, readable, instructions: instructionsOf(info), floor }
  const jupyter = lazyJupyter({ run, notebook, floor, tools: share(kernelTools(notebook)) })
  return { kernel, info, server, notebook, floor, jupyter, endCalls: calls.close }
}

/** Whoever it was opened for has left. A sandbox that ends takes its kernels along. */
export async function endOwn(sandbox: Sandbox, { kernel, endCalls }: OpenNotebook): Promise<void> {
  await endCalls()
  await kernel.stop().catch(() => undefined)
  emitEnd(sandbox, kernel.session, 'who had it has left')
}

/** One whose sandbox was let go lives on. A log that cannot be written any more has told so already. */
export function emitEnd(sandbox: Sandbox, session: string, reason: string): void {
  if (sandbox.connection.refusal?.code === DETACHED) return
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
