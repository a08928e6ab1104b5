/** What a backend says of itself, and how its checks are declared: one that it cannot pass is a skip with the reason. */
import { afterAll, test } from 'vitest'
import { Sandbox } from '../../src/environment/sandbox.ts'
import type { SandboxConfig } from '../../src/environment/sandbox-config.ts'
import type { StartHooks, StartOptions } from '../../src/environment/start-sandbox.ts'
import type { Run } from '../../src/run/run.ts'
import { endRun, endRunNow, openRun, started, type Started } from './started.ts'

/** What a sandbox of one backend can be and one of another cannot. All else is asked of every backend. */
export const CAPABILITIES = [
  'confined',
  'network',
  'trees',
  'snapshot',
  'attach',
  'gpu',
  'systemPackages',
  'debug',
] as const
export type Capability = (typeof CAPABILITIES)[number]

export interface Backend {
  /** The fields of a configuration that choose it. */
  readonly config: SandboxConfig
  /** True, or the reason why not. */
  readonly capabilities: Readonly<Record<Capability, true | string>>
  /** Whatever there is where this backend puts its sandboxes (processes, folders) and elsewhere of these; a line for each. */
  readonly remains: (ids: readonly string[]) => Promise<readonly string[]>
  /** Ends a process of the sandbox by force: what is between Seer and the host, or the host itself. */
  readonly kill: (sandbox: Sandbox, process: 'relay' | 'host') => Promise<void>
}

export type Check = (title: string, body: () => Promise<void>) => void

export interface Suite {
  readonly backend: Backend
  /** What there is of all sandboxes so far. */
  readonly remains: () => Promise<readonly string[]>
  /** Declares checks for what every backend can, or that need these capabilities. */
  readonly checks: (...needs: readonly Capability[]) => Check
  /** A sandbox in a run of its own, not started. */
  readonly make: (config?: SandboxConfig, options?: Omit<StartOptions, 'run'>, hooks?: StartHooks) => Started
  /** The same, started. */
  readonly start: (config?: SandboxConfig) => Promise<Started>
  /** In a run of its own, by whatever starts it. */
  readonly startBy: (begin: (config: SandboxConfig, options: StartOptions) => Promise<Sandbox>) => Promise<Started>
  /** One for all checks of a theme, which leave it as they found it. It starts when it is first asked for. */
  readonly shared: (config?: SandboxConfig) => () => Promise<Started>
}

/** `skipped` has, once all checks are declared, how many of them each missing capability has cost. */
export function newSuite(backend: Backend): { suite: Suite; skipped: Partial<Record<Capability, number>> } {
  const skipped: Partial<Record<Capability, number>> = {}
  const all: Sandbox[] = []
  const quiet = { progress: () => undefined }
  const newRun = () => openRun(backend.capabilities.confined === true)
  const known = (sandbox: Sandbox, run: Run) => {
    all.push(sandbox)
    return started(sandbox, run)
  }
  const make: Suite['make'] = (config = {}, options = {}, hooks = {}) => {
    const run = newRun()
    try {
      return known(new Sandbox({ ...backend.config, ...config }, { ...quiet, ...options, run }, hooks), run)
    } catch (error) {
      endRunNow(run)
      throw error
    }
  }
  const startBy: Suite['startBy'] = async (begin) => {
    const run = newRun()
    try {
      return known(await begin(backend.config, { ...quiet, run }), run)
    } catch (error) {
      await endRun(run)
      throw error
    }
  }
  const start: Suite['start'] = (config) =>
    startBy((chosen, options) => Sandbox.start({ ...chosen, ...config }, options))
  const suite: Suite = {
    backend,
    remains: () => backend.remains(all.flatMap(idOf)),
    checks(...needs) {
      const missing = needs.find((name) => backend.capabilities[name] !== true)
      if (missing === undefined) return (title, body) => test(title, body)
      return (title) => {
        skipped[missing] = (skipped[missing] ?? 0) + 1
        test(title, ({ skip }) => skip(`${missing}: ${String(backend.capabilities[missing])}`))
      }
    },
    make,
    start,
    startBy,
    shared(config) {
      let one: Promise<Started> | undefined
      afterAll(async () => (await one)?.[Symbol.asyncDispose]())
      return () => (one ??= start(config))
    },
  }
  return { suite, skipped }
}

function idOf(sandbox: Sandbox): string[] {
  try {
    return [sandbox.sandboxId]
  } catch {
    return [] // It never started.
  }
}

/** For what is to be refused, and would have to be ended if it were not. */
export async function startAndEnd(suite: Suite, config: SandboxConfig): Promise<void> {
  await using made = suite.make(config)
  await made.sandbox.start()
}
