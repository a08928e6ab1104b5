/** What a sandbox is asked to be: each field, and what is refused before anything starts. */
import { z } from 'zod'
import { parseOptions } from '../options.ts'
import { checkCapabilities } from './capabilities.ts'
import { targetOf } from './files/target.ts'
import { checkModels, modelConfigSchema } from './models/model-config.ts'
import { checkNetworkIsHeld, parseNetwork } from './network.ts'
import { checkRepos, repoConfigSchema } from './repos/repo-config.ts'

const SECONDS_PER_DAY = 86_400

/** How an agent is meant to work in a sandbox. A hint: sessions of every kind can be opened in any sandbox. */
export const ExecutionMode = { NOTEBOOK: 'notebook', CLI: 'cli' } as const

/** A path on this machine, and where it lies for the agent's code. */
const placed = z.tuple([z.string().min(1), z.string().min(1)])

export const sandboxConfigSchema = z.strictObject({
  /** The kind of GPU as its own name says it (`A100`, `H100`, `RTX 4090`); null: none. Refused where there is none. */
  gpu: z.string().min(1).nullable().default(null),
  gpuCount: z.int().min(1).max(64).optional(),
  executionMode: z.enum(['notebook', 'cli']).default('notebook'),
  models: z.array(modelConfigSchema).default([]),
  /** Git repositories, cloned to `/workspace/<name>` before any session. */
  repos: z.array(repoConfigSchema).default([]),
  /** As pip takes them. What Seer itself needs is always there. */
  pythonPackages: z.array(z.string()).default([]),
  /** An environment to use as it is, or an interpreter to make environments with; by default Seer finds a Python by itself. */
  python: z.string().min(1).optional(),
  /** Packages of the operating system, for backends that build an image. Refused on this machine. */
  systemPackages: z.array(z.string()).default([]),
  /** Names of variables that its kernels get from the environment or `.env`, and that are hidden in all that the run writes. */
  secrets: z.array(z.string()).default([]),
  /** Seconds after which the sandbox ends: its files are kept as a snapshot, then it is terminated. */
  timeout: z
    .number()
    .min(60, 'is in seconds; at least 60')
    .max(7 * SECONDS_PER_DAY, 'is in seconds; at most 7 days')
    .default(3600),
  /** Files and folders that the agent finds: `[['./data.csv', '/workspace/data.csv']]`. */
  localFiles: z.array(placed).default([]),
  localDirs: z.array(placed).default([]),
  /** Environment variables of the kernel, which gets nothing else of this machine's environment. */
  env: z
    .record(
      z.string().regex(/^[^=\0]+$/, 'is no name of a variable'),
      z.string().regex(/^[^\0]*$/, 'holds a zero byte'),
    )
    .default({}),
  /** Where its code may connect to: `none`, hosts (`['api.openai.com', '*.huggingface.co']`), or `open` for every public address. */
  network: z.union([z.enum(['none', 'open']), z.array(z.string()).min(1)]).default('none'),
  /** VS Code in the browser, in the sandbox. */
  debug: z.boolean().default(false),
  /** For scripts: no wall, so the agent's code has all your rights on this machine. With `seer run`, type `--unconfined`. */
  unconfined: z.boolean().default(false),
})
export type SandboxConfig = z.input<typeof sandboxConfigSchema>
export type ParsedSandboxConfig = z.output<typeof sandboxConfigSchema>

/** Throws a SeerError for an unknown key, a value of the wrong kind, and what this machine cannot honour. */
export function parseSandboxConfig(config: SandboxConfig): ParsedSandboxConfig {
  const parsed = parseOptions('Sandbox', sandboxConfigSchema, config)
  checkModels(parsed.models, parsed.gpu === null ? 0 : (parsed.gpuCount ?? 1))
  checkRepos(parsed.repos)
  parseNetwork(parsed.network)
  checkNetworkIsHeld(parsed.network, !parsed.unconfined)
  for (const [, to] of [...parsed.localFiles, ...parsed.localDirs]) targetOf(to)
  checkCapabilities(parsed)
  return parsed
}
