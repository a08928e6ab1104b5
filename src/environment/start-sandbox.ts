/** How a sandbox comes to be: everything that is checked, prepared and started, in its order. What fails leaves nothing behind. */
import { randomBytes } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { hostname, uptime } from 'node:os'
import { join } from 'node:path'
import { PROTOCOL_VERSION } from '../channel/protocol.ts'
import { startHost, type HostOptions } from '../channel/start-host.ts'
import { HostStreams } from '../channel/streams.ts'
import { describeError, SeerError } from '../errors.ts'
import type { RunUse } from '../run/current.ts'
import type { EventInput } from '../run/events.ts'
import type { Secret } from '../run/redactor.ts'
import type { Run } from '../run/run.ts'
import { formsOf } from '../run/secret-forms.ts'
import type { Layout } from '../sandbox/backend.ts'
import { asUnusable, startLocalMachine, type StartedLocalMachine } from '../sandbox/local/local.ts'
import { INSIDE, type PreparedWall } from '../sandbox/local/wall/wall.ts'
import { showWaiting } from '../status-line.ts'
import { wallOfSandbox } from './choose-confinement.ts'
import { endSandbox } from './end-sandbox.ts'
import { bringFiles } from './files/bring-files.ts'
import { checkLocalPlaces } from './files/local-places.ts'
import { kernelEnvironment } from './kernel-environment.ts'
import { modelFolders, movedTo } from './models/model-handle.ts'
import { checkNetworkIsHeld, networkEnvironment, parseNetwork } from './network.ts'
import { pipInside, type PipInside } from './pip-inside.ts'
import { recordConfig } from './config-record.ts'
import { contextOf } from './exec/start-process.ts'
import { visible } from './gpu/find-gpus.ts'
import { prepare, type Prepared } from './prepare.ts'
import { showProgress, type Progress } from './progress.ts'
import { connectTo, readJournal, type RunningSandbox } from './running-sandbox.ts'
import { installRepos } from './repos/install-repos.ts'
import { placeRepos, tellLeftOut } from './repos/place-repos.ts'
import { withoutLogins } from './repos/repo-source.ts'
import type { ParsedSandboxConfig } from './sandbox-config.ts'
import { openSessionBook } from './session-book.ts'
import { writeSandboxFile, type SandboxFacts } from './sandbox-file.ts'
import { GRACE_SECONDS } from './sandbox-timeout.ts'
import { refuseOtherWeights } from './snapshot/compare.ts'
import type { OpenedSnapshot } from './snapshot/open-snapshot.ts'
import { tellDifferences } from './snapshot/tell.ts'

/** How long a host goes on with nobody attached. */
export const LEASE_SECONDS = 120
const CELL_DISK_CAP_BYTES = 1024 ** 3
const MAX_REASON_CHARS = 300

export interface StartOptions {
  readonly run?: Run
  readonly signal?: AbortSignal
  readonly progress?: Progress
}

/** How far a start has come. */
export type StartStep =
  | 'checked'
  | 'prepared'
  | 'machine'
  | 'noted'
  | 'repos'
  | 'files'
  | 'wall'
  | 'told'
  | 'host'
  | 'connected'
  | 'installed'

/** For tests, which let it fail at a step, and cannot wait a minute for its timeout. */
export interface StartHooks {
  readonly onStep?: (step: StartStep) => void
  readonly timeoutSeconds?: number
}

export async function startSandbox(
  config: ParsedSandboxConfig,
  secrets: readonly Secret[],
  use: RunUse,
  options: StartOptions,
  { onStep }: StartHooks = {},
  from?: OpenedSnapshot,
): Promise<RunningSandbox> {
  const { run } = use
  using shown = options.progress ? undefined : showProgress()
  const progress = options.progress ?? shown ?? (() => undefined)
  const signal = options.signal ? AbortSignal.any([options.signal, run.signal]) : run.signal
  const reached = (step: StartStep) => {
    onStep?.(step)
    signal.throwIfAborted()
  }
  let hasMachine = false
  /** Takes back all that has been done so far. */
  let takeBack: (reason: string) => Promise<unknown> = () => Promise.resolve()
  try {
    const bwrap = await wallOfSandbox(config.unconfined, run.start)
    checkNetworkIsHeld(config.network, bwrap !== undefined)
    const places = await checkLocalPlaces(config, { isConfined: bwrap !== undefined, signal })
    reached('checked')
    const prepared = await prepare(config, { signal, progress })
    if (from) refuseOtherWeights(from.record, prepared.modelHandles)
    copyFileSync(prepared.environment.lock, join(run.folder, 'source', 'env.lock'))
    const isConfined = bwrap !== undefined
    const pip = pipInside(prepared.pip, { isConfined, hasNetwork: !isConfined || config.network !== 'none' })
    reached('prepared')
    const id = `sb-${randomBytes(5).toString('hex')}`
    const local = await startLocalMachine(id, run.folder, { bwrap })
    const { machine, layout, prepareWall } = local
    takeBack = () => machine.terminate()
    hasMachine = true
    reached('machine')
    const planned = factsOf(id, run, config, prepared, local)
    // At once: whoever clears up after us finds here what belongs to it.
    writeSandboxFile(layout.stateDir, planned)
    reached('noted')
    const fromSnapshot = from?.record.files ?? []
    const repos = await placeRepos(prepared.repos, { machine, layout, fromSnapshot }, { signal, progress })
    reached('repos')
    const { python } = prepared.environment
    const mounts = await bringFiles({ places, from }, { run, local, python, signal })
    reached('files')
    const readOnly = [...pip.mounts, ...mounts, ...(prepared.gpus?.libraries ?? [])]
    const devices = prepared.gpus?.devices ?? []
    const models = modelFolders(prepared.modelHandles)
    const wall = await prepareWall?.({ python, models, packages: pip.packages, readOnly, devices })
    const repoHandles = repos.map(({ handle }) => handle)
    const limits = wall ? { limits: { ...wall.limits } } : {}
    const facts: SandboxFacts = { ...planned, ...timesOf(config), repoHandles, ...limits }
    const endsAt = uptime() + config.timeout
    writeSandboxFile(layout.stateDir, facts)
    reached('wall')
    run.emit({ ...startEvent(facts, layout), ...(from ? { snapshot: from.record.id } : {}) })
    takeBack = (reason) =>
      machine.terminate().finally(() => run.emit({ type: 'sandbox-end', by: 'system', sandbox: id, reason }))
    if (from) tellDifferences(run, from, facts)
    tellLeftOut(run, id, repos)
    reached('told')
    // Without a wall nothing hides a GPU that was not asked for.
    const gpuEnv = prepared.gpus?.environment ?? (isConfined ? {} : visible([]))
    const setUp = { ...pip, env: { ...pip.env, ...gpuEnv } }
    {
      using _ = showWaiting('starting the sandbox')
      await startHost(machine, layout, hostOptions(facts, layout, wall, secrets, setUp), signal)
    }
    reached('host')
    const way = { run, facts, machine, layout }
    const connection = connectTo(way)
    const sessions = openSessionBook(run, id, { sessions: [], ended: [] })
    const journal = readJournal(way, connection, sessions)
    const streams = new HostStreams(connection)
    const running: RunningSandbox = { ...facts, ...way, use, endsAt, connection, journal, streams, sessions, from }
    takeBack = (reason) => endSandbox(running, { reason, why: noStart() })
    reached('connected')
    const isOffline = isConfined && config.network === 'none'
    await installRepos(repos, { connection, isOffline, process: contextOf(running) }, { signal, progress })
    reached('installed')
    return running
  } catch (error) {
    await takeBack(`it did not start: ${describeError(error).slice(0, MAX_REASON_CHARS)}`).catch((problem: unknown) =>
      sayLeft(run, problem),
    )
    throw hasMachine ? asUnusable(error) : error
  }
}

function factsOf(
  id: string,
  run: Run,
  config: ParsedSandboxConfig,
  { environment, modelHandles, gpus }: Prepared,
  { attach, prepareWall }: StartedLocalMachine,
): SandboxFacts {
  return {
    id,
    protocol: PROTOCOL_VERSION,
    machine: hostname(),
    run: run.folder,
    config: withoutLogins(config),
    confinement: prepareWall ? 'bubblewrap' : 'none',
    environment: { id: environment.id, lock: environment.lock },
    modelHandles: prepareWall ? movedTo(modelHandles, INSIDE.model) : [...modelHandles],
    repoHandles: [],
    gpus: [...(gpus?.names ?? [])],
    python: environment.python,
    pythonInside: prepareWall ? INSIDE.python : environment.python,
    ...timesOf(config),
    uses: 1,
    detached: null,
    attach: { ...attach, python: environment.python },
  }
}

/** Its time begins with its host, which comes next. */
function timesOf({ timeout }: ParsedSandboxConfig): Pick<SandboxFacts, 'startedAt' | 'endsAt'> {
  const now = Date.now()
  return { startedAt: new Date(now).toISOString(), endsAt: new Date(now + timeout * 1000).toISOString() }
}

export function startEvent(facts: SandboxFacts, layout: Layout): EventInput & { type: 'sandbox-start' } {
  const { limits, config, gpus, repoHandles } = facts
  const { secrets } = config
  return {
    type: 'sandbox-start',
    by: 'system',
    sandbox: facts.id,
    backend: 'local',
    confinement: facts.confinement,
    environment: facts.environment.id,
    workspacePath: layout.workspaceInside,
    ...(limits ? { limits } : {}),
    ...(secrets.length > 0 ? { secrets: [...new Set(secrets)] } : {}),
    ...(repoHandles.length > 0 ? { repos: repoHandles.map(({ url, commit, path }) => ({ url, commit, path })) } : {}),
    ...(gpus.length > 0 ? { gpu: gpus } : {}),
    ...(facts.confinement === 'none' ? {} : { network: parseNetwork(config.network).told }),
    config: recordConfig(config),
    attach: facts.attach,
  }
}

function hostOptions(
  { id, config, python, pythonInside }: SandboxFacts,
  layout: Layout,
  wall: PreparedWall | undefined,
  secrets: readonly Secret[],
  pip: PipInside,
): HostOptions {
  const given = Object.fromEntries(secrets.map(({ name, value }) => [name, value]))
  const network = parseNetwork(config.network)
  return {
    sandbox: id,
    python,
    kernelEnv: kernelEnvironment(pythonInside, layout, {
      ...networkEnvironment(network),
      ...pip.env,
      ...config.env,
      ...given,
    }),
    redact: secrets.map(({ name, value }) => ({ name, forms: formsOf(value) })),
    wall: wall?.wall,
    network: network.rules,
    leaseSeconds: LEASE_SECONDS,
    deadlineSeconds: config.timeout + GRACE_SECONDS,
    cellDiskCapBytes: CELL_DISK_CAP_BYTES,
  }
}

function noStart(): SeerError {
  return new SeerError('sandbox-terminated', { message: 'The sandbox did not start.', endsRun: true })
}

function sayLeft(run: Run, problem: unknown): void {
  const text = `Of a sandbox that did not start, something may be left: ${describeError(problem)} \`seer gc\` removes it.`
  try {
    run.emit({ type: 'notice-add', by: 'system', level: 'warning', code: 'sandbox-left', text })
  } catch {
    // A log that cannot be written ends the run by itself.
  }
}
