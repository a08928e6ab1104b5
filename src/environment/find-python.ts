import { stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { describeError, SeerError } from '../errors.ts'
import { readJsonFile, writeJsonFile } from './json-file.ts'
import { runTool } from './run-tool.ts'
import type { SetupContext } from './progress.ts'

const pythonSchema = z.object({
  /** The interpreter itself, not a shim or a link of a version manager. */
  executable: z.string(),
  version: z.string(),
  /** The machine as Python names it, with the C library: `linux-x86_64-glibc`, `-t` without the lock. Wheels depend on it. */
  platform: z.string(),
  hasPip: z.boolean(),
})
export type Python = z.infer<typeof pythonSchema>

/** One that says nothing for so long never will: a shim that asks, a disk that is away. */
const ANSWER_MS = 30_000

const candidates = ['python3.13', 'python3.12', 'python3.11', 'python3.10', 'python3', 'python']

const probe = `
import importlib.util, json, platform, sys, sysconfig
print(json.dumps({
    "executable": sys.executable,
    "version": platform.python_version(),
    "platform": "-".join(x for x in (sysconfig.get_platform(), platform.libc_ver()[0], getattr(sys, "abiflags", "")) if x),
    "hasPip": importlib.util.find_spec("pip") is not None,
}))
`

/** A Python of 3.10 or newer: the one that SEER_PYTHON names, else the first that works on PATH. */
export async function findPython(context: SetupContext = {}): Promise<Python> {
  const env = context.env ?? process.env
  if (process.platform === 'win32') {
    throw new SeerError('setup-failed', {
      message: 'local sandboxes do not run on Windows',
      hint: 'use WSL 2 (a Linux inside Windows), or a remote sandbox',
    })
  }
  const chosen = env['SEER_PYTHON']
  const seen: string[] = []
  for (const name of chosen ? [chosen] : candidates) {
    const python = await probePython(name, env, context.signal)
    if (typeof python === 'string') seen.push(`${name}: ${python}`)
    else if (isNewEnough(python.version)) return python
    else seen.push(`${name}: ${python.version} is too old`)
  }
  const worthTelling = seen.filter((line) => !line.endsWith(': not found'))
  throw new SeerError('setup-python-missing', {
    message: `no Python of 3.10 or newer found (${worthTelling.join('; ') || (chosen ? seen[0] : 'none at all on PATH')})`,
    hint: chosen
      ? 'SEER_PYTHON must be the path of a Python of 3.10 or newer; unset it to search PATH'
      : `install one (${installHint()}), or set SEER_PYTHON to its path`,
  })
}

const memoSchema = z.object({ key: z.string(), mtimeMs: z.number(), python: pythonSchema })

/** `findPython` without starting a process, where the answer of last time still holds. */
export async function findPythonRemembered(cache: string, context: SetupContext = {}): Promise<Python> {
  const env = context.env ?? process.env
  const file = join(cache, 'python.json')
  const key = JSON.stringify([env['SEER_PYTHON'] ?? '', env['PATH'] ?? ''])
  const memo = await readJsonFile(file, memoSchema)
  if (memo?.key === key && memo.mtimeMs === (await modifiedMs(memo.python.executable))) return memo.python
  const python = await findPython(context)
  // Only a memory: a cache that cannot be written is reported by what needs it.
  await writeJsonFile(file, { key, mtimeMs: (await modifiedMs(python.executable)) ?? 0, python }).catch(() => undefined)
  return python
}

async function modifiedMs(path: string): Promise<number | undefined> {
  return (await stat(path).catch(() => undefined))?.mtimeMs
}

/** What a Python says of itself, or in words why it does not. */
export async function probePython(
  name: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<Python | string> {
  const deadline = AbortSignal.timeout(ANSWER_MS)
  let result
  try {
    // A folder of nobody's: a `json.py` in the current folder must not be what the probe imports.
    const both = signal ? AbortSignal.any([signal, deadline]) : deadline
    result = await runTool([name, '-c', probe], { env, cwd: tmpdir(), signal: both })
  } catch (error) {
    signal?.throwIfAborted()
    if (deadline.aborted) return `no answer within ${ANSWER_MS / 1000} s`
    return error instanceof Error && 'code' in error && error.code === 'ENOENT' ? 'not found' : describeError(error)
  }
  const parsed = parseProbe(result.stdout)
  if (parsed) return parsed
  // A Python 2 or a version manager's empty shim: what it says is the best that one can tell.
  return lastWords(result.stderr) || `exit ${result.exitCode ?? 'by a signal'}`
}

/** Of a traceback the last line says what went wrong; of everything else the first. */
function lastWords(stderr: string): string | undefined {
  const lines = stderr.trim().split('\n')
  return lines[0]?.startsWith('Traceback') ? lines.at(-1) : lines[0]
}

function parseProbe(stdout: string): Python | undefined {
  try {
    return pythonSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''))
  } catch {
    return undefined
  }
}

export function isNewEnough(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 3 || (major === 3 && minor >= 10)
}

function installHint(): string {
  return process.platform === 'darwin'
    ? 'brew install python@3.13'
    : 'apt install python3 python3-venv, or your system’s like'
}
