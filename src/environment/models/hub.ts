/** Models of the Hugging Face hub: looked up before anything is installed, and fetched into the hub's own cache. */
import { join } from 'node:path'
import { z } from 'zod'
import { SeerError } from '../../errors.ts'
import { parseJson } from '../json-file.ts'
import type { SetupContext, Step } from '../progress.ts'
import { pythonFolder } from '../requirements.ts'
import { runTool, tail } from '../run-tool.ts'
import { DEFAULT_REVISION, hubCache, type HubWanted } from './hub-cache.ts'
import { hubError } from './hub-errors.ts'
import { gigabytes } from './memory.ts'
import { configFacts, type ModelFiles } from './model-files.ts'

const errorSchema = z.object({ error: z.object({ kind: z.string(), text: z.string() }) })
const foundSchema = z.object({
  found: z.object({
    commit: z.string().regex(/^[0-9a-f]{40}$/),
    files: z.array(z.object({ path: z.string(), size: z.int().nonnegative() })),
    weights: z.array(z.object({ name: z.string(), bytes: z.number() })).min(1),
    elements: z.record(z.string(), z.number()).nullable(),
    config: z.unknown(),
  }),
})

/** A model as the hub has it. */
export interface Listed {
  readonly commit: string
  /** What loading needs. */
  readonly needed: readonly { readonly path: string; readonly size: number }[]
  readonly files: ModelFiles
}

/** Asks the hub, with any Python. Throws one clear error for each way in which that fails. */
export async function lookUp(python: string, wanted: HubWanted, context: SetupContext, step: Step): Promise<Listed> {
  const env = context.env ?? process.env
  if (isOffline(env)) throw hubError('offline', '', wanted)
  step.update(`asking the hub for ${wanted.repo}`)
  const { repo, kind, revision = DEFAULT_REVISION } = wanted
  const script = join(pythonFolder, 'seer_setup', 'hub_look.py')
  const args = ['--repo', repo, '--kind', kind, `--revision=${revision}`]
  const result = await runTool([python, '-I', script, ...args], { env, cwd: pythonFolder, signal: context.signal })
  const line = result.stdout.trim().split('\n').at(-1) ?? ''
  const refused = parseJson(line, errorSchema)
  if (refused) throw hubError(refused.error.kind, refused.error.text, wanted)
  const answer = parseJson(line, foundSchema)
  if (!answer) throw hubError('unreachable', tail(result.stderr || result.stdout, 3), wanted)
  const { commit, files, weights, elements, config } = answer.found
  return {
    commit,
    needed: files,
    files: { weights, elements: elements ?? undefined, config: configFacts(config) },
  }
}

/** Fetches what is not there yet. `python` is that of an environment with the hub's library. */
export async function fetchListed(
  python: string,
  wanted: HubWanted,
  { commit, needed }: Listed,
  context: SetupContext,
  step: Step,
): Promise<void> {
  const env = context.env ?? process.env
  const total = needed.reduce((sum, { size }) => sum + size, 0)
  step.update(`downloading ${wanted.repo} (${gigabytes(total)}) into the hub's cache`)
  let failed: z.infer<typeof errorSchema>['error'] | undefined
  const onLine = (line: string) => {
    const bytes = parseJson(line, z.object({ bytes: z.number() }))?.bytes
    if (bytes !== undefined) step.update(`downloading ${wanted.repo}: ${gigabytes(bytes)} of ${gigabytes(total)}`)
    failed = parseJson(line, errorSchema)?.error ?? failed
  }
  const place = ['--cache', hubCache(env), '--files', JSON.stringify(needed)]
  const what = ['--repo', wanted.repo, '--commit', commit, `--revision=${wanted.revision ?? DEFAULT_REVISION}`]
  const script = join(pythonFolder, 'seer_setup', 'hub_fetch.py')
  const result = await runTool([python, '-I', script, ...what, ...place], {
    env,
    cwd: pythonFolder,
    signal: context.signal,
    lines: 'stdout',
    onLine,
  })
  if (failed) throw hubError(failed.kind, failed.text, wanted)
  if (result.exitCode === 0) return
  throw new SeerError('model-download', {
    message: `The download of ${wanted.repo} ended with ${result.exitCode === undefined ? 'a signal' : `exit code ${result.exitCode}`}:\n${tail(result.stderr)}`,
    hint: 'Run the same command again: it goes on with what it already has.',
  })
}

/** As the hub's own library reads it. */
function isOffline(env: NodeJS.ProcessEnv): boolean {
  return ['HF_HUB_OFFLINE', 'TRANSFORMERS_OFFLINE'].some((name) => /^(1|on|yes|true)$/i.test(env[name] ?? ''))
}
