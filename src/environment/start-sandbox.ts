/** How a sandbox comes to be: everything that is checked, prepared and started, in its order. */
import { randomBytes } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import type { HostConnection } from '../channel/host-connection.ts'
import { Journal } from '../channel/journal.ts'
import { connectHost, startHost } from '../channel/start-host.ts'
import { SeerError } from '../errors.ts'
import type { RunUse } from '../run/current.ts'
import type { Secret } from '../run/redactor.ts'
import type { Run } from '../run/run.ts'
import { formsOf } from '../run/secret-forms.ts'
import type { Layout, Machine } from '../sandbox/backend.ts'
import { startLocalMachine } from '../sandbox/local/local.ts'
import { INSIDE } from '../sandbox/local/wall/wall.ts'
import { showWaiting } from '../status-line.ts'
import { wallOfSandbox } from './choose-confinement.ts'
import { journalSink } from './journal-sink.ts'
import { kernelEnvironment } from './kernel-environment.ts'
import { modelFolders, movedTo, type ModelHandle } from './models/model-handle.ts'
import { prepare } from './prepare.ts'
import { showProgress, type Progress } from './progress.ts'
import type { ParsedSandboxConfig } from './sandbox-config.ts'

const LEASE_SECONDS = 120
const CELL_DISK_CAP_BYTES = 1024 ** 3

export interface StartOptions {
  readonly run?: Run
  readonly signal?: AbortSignal
  readonly progress?: Progress
}

/** A sandbox that runs: what its methods work with. */
export interface RunningSandbox {
  readonly id: string
  readonly use: RunUse
  readonly machine: Machine
  readonly layout: Layout
  readonly connection: HostConnection
  readonly journal: Journal
  readonly modelHandles: readonly ModelHandle[]
  /** The sandbox's own interpreter, as it lies on the machine. */
  readonly python: string
  /** The same, as the code inside sees it. */
  readonly pythonInside: string
}

export async function startSandbox(
  config: ParsedSandboxConfig,
  secrets: readonly Secret[],
  use: RunUse,
  options: StartOptions,
): Promise<RunningSandbox> {
  const { run } = use
  using shown = options.progress ? undefined : showProgress()
  const progress = options.progress ?? shown ?? (() => undefined)
  const signal = options.signal ? AbortSignal.any([options.signal, run.signal]) : run.signal
  const bwrap = await wallOfSandbox(config.unconfined, run.start)
  const prepared = await prepare(config, { signal, progress })
  const { environment } = prepared
  copyFileSync(environment.lock, join(run.folder, 'source', 'env.lock'))
  const id = `sb-${randomBytes(5).toString('hex')}`
  const { machine, layout, attach, prepareWall } = await startLocalMachine(id, run.folder, { bwrap })
  const modelHandles = prepareWall ? movedTo(prepared.modelHandles, INSIDE.model) : prepared.modelHandles
  const pythonInside = prepareWall ? INSIDE.python : environment.python
  try {
    const models = modelFolders(prepared.modelHandles)
    const built = await prepareWall?.({ python: environment.python, models })
    run.emit({
      type: 'sandbox-start',
      by: 'system',
      sandbox: id,
      backend: 'local',
      confinement: built ? 'bubblewrap' : 'none',
      environment: environment.id,
      workspacePath: layout.workspaceInside,
      ...(built ? { limits: { ...built.limits } } : {}),
      ...(secrets.length > 0 ? { secrets: secrets.map(({ name }) => name) } : {}),
      attach: { ...attach, python: environment.python },
    })
    const host = {
      sandbox: id,
      python: environment.python,
      kernelEnv: kernelEnvironment(pythonInside, layout, {
        ...config.env,
        ...Object.fromEntries(secrets.map(({ name, value }) => [name, value])),
      }),
      redact: secrets.map(({ name, value }) => ({ name, forms: formsOf(value) })),
      wall: built?.wall,
      leaseSeconds: LEASE_SECONDS,
      deadlineSeconds: config.timeout,
      cellDiskCapBytes: CELL_DISK_CAP_BYTES,
    }
    using _ = showWaiting('starting the sandbox')
    await startHost(machine, layout, host, signal)
  } catch (error) {
    await machine.terminate()
    run.emit({ type: 'sandbox-end', by: 'system', sandbox: id, reason: 'it did not start' })
    throw error
  }
  return { ...connectSandbox({ run, id, machine, layout, python: environment.python }), use, modelHandles, pythonInside }
}

interface Reached {
  readonly run: Run
  readonly id: string
  readonly machine: Machine
  readonly layout: Layout
  readonly python: string
}

/** The way to a host that runs, and its journal, which is read from now on. */
function connectSandbox(reached: Reached) {
  const { run, id, machine, layout, python } = reached
  const warn = (code: string, text: string) =>
    void run.emit({ type: 'notice-add', by: 'system', sandbox: id, level: 'warning', code, text })
  const connection = connectHost(machine, layout, python, (text) => warn('connection-lost', text))
  const authorOf = (session: string, cell: string) => journal.authorOf(session, cell)
  const journal: Journal = new Journal(connection, journalSink(run, machine, { sandbox: id, authorOf }))
  // A loss is told by the journal to its kernels, and thrown there; the notice is for a run that asks them nothing more.
  journal.start().catch((error: unknown) => {
    try {
      if (error instanceof SeerError) warn(error.code, error.message)
    } catch {
      // A log that cannot be written ends the run by itself.
    }
  })
  return { id, machine, layout, connection, journal, python }
}
