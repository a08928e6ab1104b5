/** The configuration of a sandbox like the one that a run had, and what of it is given only where that is said. */
import { existsSync, readFileSync } from 'node:fs'
import { SeerError } from '../../errors.ts'
import { ensureEnvironment, isEnvironmentBuilt, type EnvironmentRequest } from '../../environment/python-environment.ts'
import type { SetupContext } from '../../environment/progress.ts'
import { packagesFor } from '../../environment/prepare.ts'
import { packageName } from '../../environment/requirements.ts'
import { parseSandboxConfig, type SandboxConfig } from '../../environment/sandbox-config.ts'
import { readSecrets } from '../../environment/secrets.ts'
import { modelConfigSchema, type ModelConfig } from '../../environment/models/model-config.ts'
import { neutralise } from '../../notebook/terminal-text.ts'
import type { Source, SourceSandbox } from './source.ts'

export interface ReplayWishes {
  /** Gives the run's code again what its sandboxes had of this machine. */
  readonly trust: boolean
  readonly unconfined: boolean
  /** Values of the variables that the sandbox had of its own. */
  readonly env: Readonly<Record<string, string>>
  /** By variable: another name for a model, such as where its folder lies now. */
  readonly models: Readonly<Record<string, string>>
}

/** Throws a SeerError for what cannot be had again, before anything starts. */
export async function replayConfig(
  source: Source,
  sandbox: SourceSandbox,
  wishes: ReplayWishes,
  context: SetupContext,
): Promise<SandboxConfig> {
  const { config, start, given } = sandbox
  if (start.attached === true)
    throw new SeerError('replay-unclear', {
      message: `The sandbox ${sandbox.id} had been started by another run, whose cells and files its state came from.`,
      hint: 'Replay the run that had started it.',
    })
  refuseMissing(sandbox, wishes)
  const models = modelsOf(sandbox, wishes)
  const asked: SandboxConfig = {
    models,
    pythonPackages: config?.pythonPackages ?? [],
    ...(config?.python === undefined ? {} : { python: config.python }),
    repos: (config?.repos ?? start.repos?.map(({ url }) => ({ url })) ?? []).map((repo) => ({
      ...repo,
      ...commitOf(sandbox, repo.url),
    })) as SandboxConfig['repos'],
    localFiles: config?.localFiles ?? [],
    localDirs: config?.localDirs ?? [],
    network: config?.network ?? start.network ?? 'none',
    secrets: [...(start.secrets ?? [])],
    env: { ...wishes.env },
    gpu: config?.gpu ?? null,
    ...(config?.gpuCount === undefined ? {} : { gpuCount: config.gpuCount }),
    timeout: config?.timeout ?? 3600,
    unconfined: wishes.unconfined,
  }
  if (!wishes.trust) refuseUntrusted(source, sandbox, asked)
  const files = given.map(({ from }) => from).filter((path) => !existsSync(path))
  if (files.length > 0)
    throw new SeerError('replay-files-missing', {
      message: `Files that the run had been given are not there any more: ${files.map(neutralise).join(', ')}.`,
      hint: 'Put them back where they were.',
    })
  // What a start would refuse is refused now.
  parseSandboxConfig(asked)
  readSecrets(asked.secrets ?? [], wishes.env)
  return { ...asked, ...(await samePackages(source, asked, wishes, context)) }
}

/** The same versions as then: what was asked for gives them, or else each is asked for by its version. */
async function samePackages(
  { lock }: Source,
  asked: SandboxConfig,
  { trust }: ReplayWishes,
  context: SetupContext,
): Promise<Pick<SandboxConfig, 'pythonPackages'>> {
  const { pythonPackages = [], models = [], python } = asked
  const parsed = models.map((model) => modelConfigSchema.parse(model))
  const forModels = models.length > 0
  const request = { ...packagesFor({ models: parsed, pythonPackages }), python, forModels }
  // An environment of the researcher's own is used as it is; what is in it is compared at the end.
  const isOwn = python !== undefined && !isVersion(python)
  if (isOwn) return { pythonPackages }
  // What Seer itself brings is no wish of the run's.
  if (pythonPackages.length > 0 && !trust) await requireBuilt(request, context)
  const environment = await ensureEnvironment(request, context)
  if (lock === undefined || sameLock(readFileSync(environment.lock, 'utf8'), lock)) return { pythonPackages }
  const pinned = { pythonPackages: linesOf(lock), python, forModels }
  if (!trust) await requireBuilt(pinned, context)
  return { pythonPackages: pinned.pythonPackages }
}

/** Installing what a run's folder names can run code of it, outside of any sandbox. */
async function requireBuilt(request: EnvironmentRequest, context: SetupContext): Promise<void> {
  if (await isEnvironmentBuilt(request, context)) return
  throw new SeerError('replay-needs-trust', {
    message: 'Packages would have to be installed for this replay, in the versions that the run had.',
    hint: 'Type --trust if the run is yours, or if you have read its source/env.lock: installing a package can run code of it on this machine.',
  })
}

export function sameLock(one: string, other: string): boolean {
  return linesOf(one).join('\n') === linesOf(other).join('\n')
}

function linesOf(lock: string): string[] {
  return lock
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && packageName(line) !== '')
    .sort()
}

/** A run's folder may have been handed over: what it names of this machine is given to its code only where that was typed. */
function refuseUntrusted(source: Source, { given }: SourceSandbox, asked: SandboxConfig): void {
  const { repos = [], secrets = [], network, localFiles = [], localDirs = [], models = [], python } = asked
  const folders = models.flatMap(({ name, baseModel }) => [name, baseModel]).filter((name) => name?.startsWith('/'))
  const wants = [
    ...named('secrets', secrets),
    ...named('files', [
      ...new Set([...given.map(({ from }) => from), ...[...localFiles, ...localDirs].map(([from]) => from)]),
    ]),
    ...named('folders of models', folders as string[]),
    ...named(
      'repositories',
      repos.map(({ url }) => url),
    ),
    ...(network === 'none'
      ? []
      : [`the network: ${typeof network === 'string' ? network : (network ?? []).map(neutralise).join(', ')}`]),
    ...(python === undefined || isVersion(python) ? [] : named('a Python of this machine', [python])),
  ]
  if (wants.length === 0) return
  throw new SeerError('replay-needs-trust', {
    message: `The code of ${source.run} had been given things of this machine, or of its network:\n${wants.map((line) => `    ${line}`).join('\n')}`,
    hint: 'Type --trust if the run is yours, or if you have read what its cells do: then it is given them again.',
  })
}

function named(what: string, names: readonly string[]): string[] {
  return names.length > 0 ? [`${what}: ${names.map((name) => neutralise(name)).join(', ')}`] : []
}

function refuseMissing({ config }: SourceSandbox, { env }: ReplayWishes): void {
  const missing = (config?.env ?? []).filter((name) => !Object.hasOwn(env, name))
  if (missing.length > 0)
    throw new SeerError('replay-env-missing', {
      message: `The sandbox had variables of its own (env), whose values no run keeps: ${missing.map(neutralise).join(', ')}.`,
      hint: `Give them: ${missing.map((name) => `--env ${neutralise(name)}=…`).join(' ')}`,
    })
  const unknown = Object.keys(env).filter((name) => config && !config.env.includes(name))
  if (unknown.length > 0)
    throw new SeerError('invalid-options', { message: `--env: the sandbox had no ${unknown.join(', ')}.` })
}

/** By name and, from the hub, by commit. A log of before says no more than a folder's last part. */
function modelsOf({ config, sessions }: SourceSandbox, { models: renamed }: ReplayWishes): ModelConfig[] {
  const logged = sessions[0]?.start.models ?? []
  return logged.map(({ name, varName, revision, dtype, device, loadAsPeft, base }) => {
    const asked = config?.models.find((model) => model.varName === varName)
    const baseName = typeof asked?.['baseModel'] === 'string' ? asked['baseModel'] : base?.name
    return {
      name: renamed[varName] ?? asked?.name ?? name,
      varName,
      ...(revision === undefined ? {} : { revision }),
      ...(dtype === undefined || !isDtype(dtype) ? {} : { dtype }),
      ...(device === undefined ? {} : { device }),
      ...(base === undefined || baseName === undefined ? {} : { isPeft: true, baseModel: baseName }),
      ...(base?.revision === undefined ? {} : { baseRevision: base.revision }),
      ...(loadAsPeft === true ? { loadAsPeft } : {}),
    }
  })
}

const isVersion = (python: string): boolean => /^\d+(\.\d+)*$/.test(python)

const isDtype = (name: string): name is 'float32' | 'bfloat16' | 'float16' =>
  ['float32', 'bfloat16', 'float16'].includes(name)

function commitOf({ start }: SourceSandbox, url: string): { ref?: string } {
  const known = start.repos?.find((repo) => repo.url === url)
  return known ? { ref: known.commit } : {}
}
