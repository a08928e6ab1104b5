/** An environment that the researcher has made: looked at before anything starts, used as it is, and never changed. */
import { createHash, randomBytes } from 'node:crypto'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { describeError, SeerError } from '../errors.ts'
import { asDiskFull } from './cache.ts'
import { tooOld } from './choose-python.ts'
import { isNewEnough } from './find-python.ts'
import { parseJson } from './json-file.ts'
import type { SetupContext } from './progress.ts'
import { appliesTo, packageName, pythonFolder } from './requirements.ts'
import { runTool, tail } from './run-tool.ts'

const LOOK_MS = 60_000

/** Older ones were tried and do not work, or were not tried. Seer's own files have what its environments get. */
const OLDEST: Readonly<Record<string, string>> = {
  ipykernel: '7.2',
  ipython: '8.18',
  'jupyter-client': '8.8',
  nbformat: '5.9',
  numpy: '1.26',
  peft: '0.15',
  pip: '22.3',
  pyzmq: '25.1',
  torch: '2.0',
  transformers: '4.57',
}

const oldSchema = z.object({ version: z.string() })
const lookSchema = oldSchema.extend({
  platform: z.string(),
  /** `elsewhere`: where its code lies, for one that a sandbox would not see. */
  packages: z.array(z.object({ name: z.string(), version: z.string(), elsewhere: z.string().nullable() })),
})
type Look = z.infer<typeof lookSchema>

export interface ExistingEnvironment {
  /** A hash of its packages with their versions, and of its Python. */
  readonly id: string
  readonly python: string
  /** The file with every package and its version. */
  readonly lock: string
}

/** `needed`: requirements as Seer's own environments have them. */
export async function useEnvironment(
  path: string,
  needed: readonly string[],
  cache: string,
  context: SetupContext,
): Promise<ExistingEnvironment> {
  const python = join(path, 'bin', 'python')
  const look = await lookAt(path, python, context)
  const problems = problemsOf(look, needed)
  if (problems.length > 0) {
    throw new SeerError('setup-python', {
      message: `The environment ${path} lacks what Seer needs:\n${problems.map(({ text }) => `    ${text}`).join('\n')}`,
      hint: `${installer(look, python)} ${problems.map(({ requirement }) => `'${requirement}'`).join(' ')}`,
    })
  }
  const lines = look.packages.map(({ name, version }) => `${name}==${version}`).sort()
  const what = JSON.stringify([look.version, look.platform, lines])
  const id = createHash('sha256').update(what).digest('hex').slice(0, 16)
  return { id, python, lock: await keepLock(cache, id, lines) }
}

async function lookAt(path: string, python: string, { env = process.env, signal }: SetupContext): Promise<Look> {
  const script = join(pythonFolder, 'seer_setup', 'environment_look.py')
  const deadline = AbortSignal.timeout(LOOK_MS)
  const broken = (why: string) =>
    new SeerError('setup-python', {
      message: `python: the environment ${path} does not work: ${why}`,
      hint: 'Was the Python removed that it was made with? Make it anew, or name another.',
    })
  const result = await runTool([python, '-I', script], {
    env,
    cwd: tmpdir(),
    signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
  }).catch((error: unknown) => {
    signal?.throwIfAborted()
    if (deadline.aborted) throw broken(`its Python has not answered within ${LOOK_MS / 1000} s.`)
    throw broken(`bin/python cannot be started: ${describeError(error)}`)
  })
  const line = result.stdout.trim().split('\n').at(-1) ?? ''
  const old = parseJson(line, oldSchema)
  if (old && !isNewEnough(old.version)) throw tooOld(path, old.version)
  const look = parseJson(line, lookSchema)
  if (result.exitCode === 0 && look) return look
  throw broken(tail(result.stderr || result.stdout, 3) || `its Python ended with ${result.exitCode ?? 'a signal'}.`)
}

function problemsOf(look: Look, needed: readonly string[]): { text: string; requirement: string }[] {
  const held = new Map(look.packages.map((found) => [packageName(found.name), found]))
  return needed
    .filter((line) => appliesTo(line, look.version))
    .flatMap((line) => {
      const requirement = line.replace(/\s*;.*$/, '')
      const name = requirement.replace(/==.*$/, '')
      const oldest = OLDEST[packageName(name)]
      const found = held.get(packageName(name))
      if (!found) return [{ text: `${name}: not installed`, requirement }]
      if (found.elsewhere !== null)
        return [{ text: `${name}: its code lies in ${found.elsewhere}, which a sandbox does not see`, requirement }]
      if (oldest !== undefined && isOlder(found.version, oldest))
        return [{ text: `${name}: ${found.version}, and Seer needs ${oldest} or newer`, requirement }]
      return []
    })
}

export function isOlder(version: string, than: string): boolean {
  const numbers = (text: string) => text.split('.').map((part) => Number.parseInt(part, 10) || 0)
  const [[major = 0, minor = 0], [wantedMajor = 0, wantedMinor = 0]] = [numbers(version), numbers(than)]
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor)
}

function installer({ packages }: Look, python: string): string {
  const hasPip = packages.some(({ name }) => packageName(name) === 'pip')
  return hasPip ? `${python} -m pip install` : `uv pip install --compile-bytecode --python ${python}`
}

/** The environment itself is the researcher's: nothing is written into it. */
async function keepLock(cache: string, id: string, lines: readonly string[]): Promise<string> {
  const lock = join(cache, 'locks', `${id}.txt`)
  const aside = `${lock}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await mkdir(join(cache, 'locks'), { recursive: true })
    await writeFile(aside, `${lines.join('\n')}\n`)
    await rename(aside, lock)
  } catch (error) {
    throw asDiskFull(error, lock)
  }
  return lock
}
