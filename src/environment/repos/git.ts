/** Runs the researcher's git. */
import { tmpdir } from 'node:os'
import { SeerError } from '../../errors.ts'
import type { SetupContext } from '../progress.ts'
import { runTool, type ToolResult } from '../run-tool.ts'

/** A transfer that says nothing for so long has stopped; one that goes on may take as long as it needs. */
const SILENT_MS = 120_000
/** What asks no network says little, and reads at most a repository. */
const LOCAL_MS = 15 * 60_000
/** The first that takes settings from variables, so that none of them stands in a list of processes. */
const OLDEST_GIT = [2, 31] as const

/** Variables by which git would take another repository for the one that is meant, as within a hook of git. */
const OF_ANOTHER_REPO = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
  'GIT_SHALLOW_FILE',
  'GIT_GRAFT_FILE',
  'GIT_CEILING_DIRECTORIES',
  'GIT_TEMPLATE_DIR',
  'GIT_QUARANTINE_PATH',
  'GIT_CONFIG',
]

/** Nothing that lies in a repository is run, and nothing goes on in the background. */
const ALWAYS = ['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'gc.auto=0', 'maintenance.auto=false']
/** Files of the researcher's that git reads without being told to. */
const OF_NOBODY = ['core.attributesFile=/dev/null', 'core.excludesFile=/dev/null']

export interface GitOptions {
  readonly folder: string
  readonly context: SetupContext
  /**
   * `researcher`: with their settings, ssh keys and credential helpers, and it may use the network. `nobody`: with none of them, so that
   * no filter that they have set up (such as that of git LFS) runs for files of a repository.
   */
  readonly as: 'researcher' | 'nobody'
  /** By name; git takes them as `-c` would, and no other process can read them. */
  readonly settings?: readonly (readonly [name: string, value: string])[]
  readonly variables?: Readonly<Record<string, string>>
  readonly onLine?: (line: string) => void
  /** Takes stdout as it comes, and none of it is kept. What it throws ends git. */
  readonly onStdout?: (text: string) => void
  /** How long it may say nothing. */
  readonly silentMs?: number
}

/** The exit code is for the caller to judge. Throws `git-missing`, and `git-stalled` where nothing came for long. */
export async function git(args: readonly string[], options: GitOptions): Promise<ToolResult> {
  const silence = new AbortController()
  const silentMs = options.silentMs ?? (options.as === 'researcher' ? SILENT_MS : LOCAL_MS)
  const timer = setTimeout(() => silence.abort(), silentMs)
  const { signal } = options.context
  try {
    const fixed = options.as === 'nobody' ? [...ALWAYS, ...OF_NOBODY] : ALWAYS
    return await runTool(['git', ...fixed.flatMap((setting) => ['-c', setting]), ...args], {
      env: environment(options),
      cwd: options.folder,
      ...(options.onStdout && { onStdout: options.onStdout }),
      signal: signal ? AbortSignal.any([signal, silence.signal]) : silence.signal,
      onLine(line) {
        timer.refresh()
        if (line.trim() !== '') options.onLine?.(line.trim())
      },
    })
  } catch (cause) {
    if (signal?.aborted || cause instanceof SeerError) throw cause
    if (silence.signal.aborted) throw stalled(args, silentMs, cause)
    throw missing(cause)
  } finally {
    clearTimeout(timer)
  }
}

/** Throws `git-missing` for a git that is not there or too old. */
export async function requireGit(context: SetupContext): Promise<void> {
  const { stdout } = await git(['version'], { folder: tmpdir(), context, as: 'nobody' })
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(stdout)?.slice(1) ?? []).map(Number)
  if (major > OLDEST_GIT[0] || (major === OLDEST_GIT[0] && minor >= OLDEST_GIT[1])) return
  throw new SeerError('git-missing', {
    message: `\`repos\` needs git ${OLDEST_GIT.join('.')} or newer, and here is ${stdout.trim()}.`,
    hint: 'Install a newer git, or copy the folder in by `localDirs`.',
  })
}

function environment({ context, as, settings = [], variables = {} }: GitOptions): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...(context.env ?? process.env) }
  for (const name of OF_ANOTHER_REPO) delete env[name]
  const first = as === 'researcher' ? Number(env['GIT_CONFIG_COUNT'] ?? 0) || 0 : 0
  const given = settings.flatMap(([name, value], i) => [
    [`GIT_CONFIG_KEY_${first + i}`, name],
    [`GIT_CONFIG_VALUE_${first + i}`, value],
  ])
  return {
    ...env,
    ...(as === 'nobody' ? NOBODY : {}),
    // Its words are read here.
    LC_ALL: 'C',
    LANGUAGE: '',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ALLOW_PROTOCOL: as === 'nobody' ? 'file' : 'file:git:http:https:ssh',
    ...variables,
    ...(Object.fromEntries(given) as Record<string, string>),
    GIT_CONFIG_COUNT: String(first + settings.length),
  }
}

const NOBODY = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_PARAMETERS: '',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_COMMITTER_NAME: 'seer',
  GIT_COMMITTER_EMAIL: 'seer@localhost',
}

function missing(cause: unknown): SeerError {
  return new SeerError('git-missing', {
    message: 'Repositories are cloned by git, and there is no git on this machine.',
    hint: 'Install it (apt install git), or copy the folder in by `localDirs`.',
    cause,
  })
}

function stalled(args: readonly string[], silentMs: number, cause: unknown): SeerError {
  const command = args.find((arg) => !arg.startsWith('-')) ?? ''
  return new SeerError('git-stalled', {
    message: `\`git ${command}\` said nothing for ${Math.round(silentMs / 1000)} s and was ended.`,
    hint: 'A dialogue may be waiting for a password somewhere. Fetch once by hand, so that git has what it needs.',
    cause,
  })
}
