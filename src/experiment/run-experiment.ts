/** `seer run`: from an experiment and what was asked for, to a run's folder. Everything that can be wrong is found first. */
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { firstError, SeerError } from '../errors.ts'
import type { AgentRequest, Provider } from '../harness/agent.ts'
import { claudeProvider, DEFAULT_CLAUDE_MODEL } from '../harness/claude.ts'
import { withProvider } from '../harness/current-provider.ts'
import { readKeys } from '../harness/keys.ts'
import { DEFAULT_BUDGET_USD, requirePrice, type Purse } from '../harness/limits.ts'
import { trajectoryFromEvents } from '../harness/record.ts'
import { outsideProvider, type OutsideOptions } from '../harness/outside.ts'
import { recordedProvider } from '../harness/recorded.ts'
import { sha256Of, type MadeFor, type Trajectory } from '../harness/trajectory.ts'
import { withRun } from '../run/current.ts'
import { knownEvents, type EventOf } from '../run/events.ts'
import type { Summary } from '../run/fold-summary.ts'
import { readEvents } from '../run/log-reader.ts'
import { newRunFolder } from '../run/paths.ts'
import { Run, type RunStatus } from '../run/run.ts'
import { SEER_VERSION } from '../run/version.ts'
import { confinementOfRun } from '../environment/choose-confinement.ts'
import { toolsVersion } from '../tools/tool.ts'
import { reportDrift } from './drift-report.ts'
import type { Experiment } from './experiment.ts'
import { skillOf } from './own-skills.ts'
import { toolkitOf } from './own-toolkit.ts'
import { renderTask, resolveParams } from './params.ts'
import { chooseProvider, type ProviderName } from './provider-choice.ts'
import { readRecording, recordingPath, refuseEarly } from './recording.ts'
import { keepSource, readTask } from './source.ts'

export interface RunRequest {
  readonly experiment: Experiment
  readonly folder: string
  readonly profile?: string
  readonly set: readonly string[]
  /** The model under study, in place of the parameter `model`. */
  readonly subject?: string
  readonly provider?: string
  readonly agentModel?: string
  /** For all agents of the run together. Without it: 5 USD. */
  readonly budgetUsd?: number | 'none'
  readonly outputDir: string
  /** Where to keep a recording of this run: a path, or true for the experiment's own. */
  readonly record?: string | true
  /** Who answered, where the endpoint's model name does not say it. */
  readonly answeredBy?: string
  /** The answerer had seen neither the repository nor what the answer should be. */
  readonly blind?: boolean
  /** A recording other than the experiment's own. */
  readonly recording?: string
  /** For the provider `outside`. */
  readonly outside?: OutsideOptions
  /** The agent's code gets the rights of this user. */
  readonly unconfined?: boolean
  readonly quiet: boolean
  readonly signal: AbortSignal
  /** Told once everything has been checked and the run's folder is there. */
  readonly onStart: (facts: {
    run: Run
    folder: string
    provider: string
    why: string
    recorded: Trajectory['answeredBy'] | undefined
    /** Null: none was wanted, or nothing can cost anything. */
    budgetUsd: number | null
  }) => void
}

export interface RunOutcome {
  readonly folder: string
  readonly status: RunStatus
  readonly summary: Summary
  readonly error?: unknown
  /** The drift table of a played recording. */
  readonly drift?: string
  readonly recordedTo?: string
}

export async function runExperiment(request: RunRequest): Promise<RunOutcome> {
  const { experiment, folder } = request
  const name = basename(folder)
  const { profile, params } = resolveParams(experiment, {
    set: request.set,
    ...(request.profile === undefined ? {} : { profile: request.profile }),
    ...(request.subject === undefined ? {} : { subject: request.subject }),
  })
  const template = readTask(folder)
  const task = template === undefined ? undefined : renderTask(template, params)
  const path = request.recording ?? recordingPath(folder, profile)
  const provider = request.provider ?? (request.recording === undefined ? undefined : 'recorded')
  const { keys, from } = readKeys()
  const choice = chooseProvider(provider, {
    key: from,
    recording: existsSync(path),
  })
  const recording = choice.name === 'recorded' ? readRecording(path) : undefined
  if (recording) refuseEarly(recording, { params, task: task ?? '' })
  refuseUseless(choice.name, request)
  const claude = claudeProvider({
    env: keys,
    ...(request.agentModel === undefined ? {} : { model: request.agentModel }),
  })
  const { budgetUsd = DEFAULT_BUDGET_USD } = request
  const isPaid = choice.name === 'claude'
  const budget: Purse | null =
    !isPaid || budgetUsd === 'none' ? null : { name: 'the budget of this run', limitUsd: budgetUsd, spentUsd: 0 }
  if (isPaid) claude.check()
  if (budget) requirePrice(claude.model)
  const confinement = await confinementOfRun(request.unconfined ?? false)

  const run = Run.create(
    newRunFolder(request.outputDir, name, new Date()),
    {
      seer: SEER_VERSION,
      experiment: name,
      profile,
      params,
      backend: 'local',
      confinement,
      provider: choice.name,
      seed: experiment.seed ?? 0,
      ...(isPaid ? { budgetUsd: budget?.limitUsd ?? null } : {}),
    },
    request.signal,
  )
  const { signal, steering } = run
  let asked: MadeFor | undefined
  const provide = async (agent: AgentRequest): Promise<Provider> => {
    asked = await madeForOf(run, params, agent)
    if (recording) return recordedProvider(recording, asked)
    return isPaid ? claude : outsideProvider(request.outside)
  }
  let status: RunStatus = 'completed'
  let failure: unknown
  let drift: string | undefined
  let recordedTo: string | undefined
  try {
    keepSource(folder, run.folder, { task, params })
    request.onStart({
      run,
      folder: run.folder,
      provider: choice.name,
      why: choice.why,
      recorded: recording?.answeredBy,
      budgetUsd: budget?.limitUsd ?? null,
    })
    const context = {
      params,
      get task() {
        return task ?? missingTask(folder)
      },
      folder,
      toolkit: toolkitOf(folder),
      skill: skillOf(folder),
      profile,
      signal,
    }
    const choices = { provide, budget, quiet: request.quiet }
    await withRun(run, () => withProvider(choices, () => experiment.run(context)))
    signal.throwIfAborted()
    if (steering.interrupted) throw new DOMException('An agent was interrupted.', 'AbortError')
    if (recording) drift = await reportDrift(run, recording)
    if (request.record !== undefined && asked) {
      recordedTo = request.record === true ? recordingPath(folder, profile) : request.record
      await keepRecording(run, recordedTo, asked, request)
    }
    // What was accepted until now holds, also while the recording was kept.
    signal.throwIfAborted()
  } catch (error) {
    failure = firstError(error)
    // After an interrupt, whatever goes wrong is its consequence, but for what would have ended the run by itself.
    const interrupted = signal.aborted || steering.interrupted
    status = interrupted && !(failure instanceof SeerError && failure.endsRun) ? 'interrupted' : 'failed'
  }
  try {
    await run.end(status, status === 'failed' ? failure : undefined)
  } catch (error) {
    status = 'failed'
    failure ??= error
  }
  return {
    folder: run.folder,
    status,
    summary: run.summary,
    ...(failure === undefined ? {} : { error: failure }),
    ...(drift === undefined ? {} : { drift }),
    ...(recordedTo === undefined ? {} : { recordedTo }),
  }
}

/** What would change nothing, or cannot be. */
function refuseUseless(provider: ProviderName, { agentModel, record }: RunRequest): void {
  if (provider === 'claude') return
  const isPlayed = provider === 'recorded'
  if (agentModel !== undefined) {
    throw new SeerError('invalid-options', {
      message: isPlayed
        ? 'A recording is played as it was answered: --agent-model would change nothing.'
        : 'An agent from outside has its own model: --agent-model would change nothing.',
      hint: 'Use --agent-model with --provider claude.',
    })
  }
  if (record !== undefined) {
    throw new SeerError('invalid-options', {
      message: isPlayed ? 'A played recording cannot be recorded.' : 'An agent from outside cannot be recorded.',
      hint: 'Use --record with --provider claude.',
    })
  }
}

function missingTask(folder: string): never {
  throw new SeerError('task-missing', {
    message: `The experiment in ${folder} uses its task, and has no task.md.`,
    hint: `Write what the agent is to do into ${join(folder, 'task.md')}.`,
  })
}

/** What the agent's words are for: a recording is refused where any of it differs. */
async function madeForOf(run: Run, params: MadeFor['params'], agent: AgentRequest): Promise<MadeFor> {
  const { events } = await readEvents(join(run.folder, 'events.jsonl'))
  const sessions = events.filter((event): event is EventOf<'session-start'> => event.type === 'session-start')
  const served = events.filter((event): event is EventOf<'interface-start'> => event.type === 'interface-start')
  const skills = sessions.flatMap((session) => session.skills ?? [])
  return {
    params,
    prompt: agent.prompt,
    promptSha256: sha256Of(agent.prompt),
    userMessage: agent.userMessage,
    libraries: once([
      ...sessions.flatMap(({ libraries }) => libraries),
      // Also where its functions are tools, and no library.
      ...served.map(({ interface: name, sha256 }) => ({ name, sha256 })),
    ]),
    ...(skills.length > 0 ? { skills } : {}),
    models: once(
      [...sessions, ...served]
        .flatMap(({ models }) => models.flatMap((model) => (model.base ? [model, model.base] : [model])))
        .map(({ name, weightsSha256 }) => ({ name, weightsSha256 })),
    ),
    toolsVersion: toolsVersion(agent.tools),
  }
}

/** Each once, in the order in which they came. */
function once<T>(items: readonly T[]): T[] {
  const texts = items.map((item) => JSON.stringify(item))
  return items.filter((_, i) => texts.indexOf(texts[i]!) === i)
}

async function keepRecording(run: Run, path: string, asked: MadeFor, request: RunRequest): Promise<void> {
  await run.sync()
  const events = knownEvents((await readEvents(join(run.folder, 'events.jsonl'))).events)
  const answeredBy = {
    provider: 'claude',
    model: run.summary.models.join(', ') || request.agentModel || DEFAULT_CLAUDE_MODEL,
    at: new Date().toISOString(),
    knewTruth: request.blind ? false : null,
    ...(request.answeredBy === undefined ? {} : { note: request.answeredBy }),
  }
  const trajectory = trajectoryFromEvents(events, { madeFor: asked, answeredBy })
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.part`, `${JSON.stringify(trajectory, null, 1)}\n`)
  renameSync(`${path}.part`, path)
}
