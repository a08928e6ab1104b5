import { spawn } from 'node:child_process'
import { basename } from 'node:path'
import { createInterface } from 'node:readline'
import { SeerError } from '../errors.ts'

export type ToolResult = { exitCode: number | undefined; stdout: string; stderr: string }

type ToolOptions = {
  env: NodeJS.ProcessEnv
  cwd?: string
  signal?: AbortSignal | undefined
  /** Each line of stderr (or of stdout where `lines` says so) as it comes. */
  onLine?: (line: string) => void
  lines?: 'stdout' | 'stderr'
  /** Takes stdout as it comes, and none of it is kept. What it throws ends the tool. */
  onStdout?: (text: string) => void
}

const keptStderr = 64 * 1024
/** What a tool prints can be chosen by others: a small repository may have a list of files of any length. */
const MAX_STDOUT_CHARS = 64 * 1024 * 1024

/**
 * Runs a program to its end and gives back how it ended; a non-zero exit is for the caller to judge. Throws only when the
 * program cannot be started or prints too much, or with the signal's reason once the program is gone. It is its own process group, so that an
 * abort also ends what it has started.
 */
export async function runTool(argv: [string, ...string[]], options: ToolOptions): Promise<ToolResult> {
  options.signal?.throwIfAborted()
  const [program, ...args] = argv
  const child = spawn(program, args, {
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    ...(options.cwd !== undefined && { cwd: options.cwd }),
  })
  const signalGroup = (name: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name)
    } catch {
      // already gone
    }
  }
  let killTimer: NodeJS.Timeout | undefined
  const onAbort = () => {
    signalGroup('SIGTERM')
    killTimer = setTimeout(() => signalGroup('SIGKILL'), 3_000)
  }
  // A detached child outlives us unless told: when this process exits in the middle, so does the tool.
  const onExit = () => signalGroup('SIGKILL')
  options.signal?.addEventListener('abort', onAbort, { once: true })
  process.once('exit', onExit)

  let stdout = ''
  let stderr = ''
  let failure: { readonly error: unknown } | undefined
  const keep = (text: string) => {
    if (stdout.length + text.length > MAX_STDOUT_CHARS) throw tooMuch(argv)
    stdout += text
  }
  const take = options.onStdout ?? keep
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (failure) return
    try {
      take(text)
    } catch (error) {
      failure = { error }
      signalGroup('SIGKILL')
    }
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-keptStderr)))
  if (options.onLine) {
    const input = options.lines === 'stdout' ? child.stdout : child.stderr
    createInterface({ input }).on('line', options.onLine)
  }
  try {
    const exitCode = await new Promise<number | undefined>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code) => resolve(code ?? undefined))
    })
    if (failure) throw failure.error
    options.signal?.throwIfAborted()
    return { exitCode, stdout, stderr }
  } finally {
    clearTimeout(killTimer)
    options.signal?.removeEventListener('abort', onAbort)
    process.removeListener('exit', onExit)
  }
}

function tooMuch([program, ...args]: readonly [string, ...string[]]): SeerError {
  const command = [basename(program), ...args].join(' ')
  return new SeerError('tool-output', {
    message: `A program of this machine printed more than ${MAX_STDOUT_CHARS / 1024 ** 2} MiB and was ended: ${command.slice(0, 200)}`,
  })
}

/** The last lines of what a tool said, for an error's text. */
export function tail(text: string, lines = 8): string {
  return text.trim().split('\n').slice(-lines).join('\n')
}

/** Brings the file system that holds `path` to disk; syncing 30,000 files one by one would take far longer. */
export async function syncFileSystem(path: string): Promise<void> {
  const env = { PATH: process.env['PATH'] }
  const result = await runTool(['sync', '-f', path], { env }).catch(() => undefined)
  if (result?.exitCode !== 0) await runTool(['sync'], { env }).catch(() => undefined)
}
