/** What the set-up makes, and what it makes it with: Python, uv, the cache, the environment, the embedded model. */
import { existsSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { cacheRoot, readReady } from '../environment/cache.ts'
import { findPython, type Python } from '../environment/find-python.ts'
import { environmentId } from '../environment/build-environment.ts'
import { composeRequirements } from '../environment/requirements.ts'
import { runTool } from '../environment/run-tool.ts'
import { isNewEnoughUv, uvVersion } from '../environment/uv.ts'
import { plural, size } from '../amounts.ts'
import type { Check } from './doctor-check.ts'
import { freeBytes, isWritable, nearestFolder } from './doctor-machine.ts'

const SET_UP_BYTES = 4e9

export async function* checkPython(env: NodeJS.ProcessEnv): AsyncGenerator<Check> {
  const cache = cacheRoot(env)
  const python = await tryPython(env)
  if ('level' in python) yield python
  else {
    yield { name: 'Python', level: 'ok', text: `${python.version} (${python.executable})` }
    yield await checkUv(python, cache, env)
  }
  const environment = 'level' in python ? undefined : await readyEnvironment(python, cache)
  const model = await readyModel(cache)
  yield await checkCache(cache, env, environment !== undefined && model !== undefined)
  yield environment && !('level' in python)
    ? {
        name: 'environment',
        level: 'ok',
        text: `ready: ${environment.packages} packages, ${(environment.megabytes / 1000).toFixed(1)} GB, Python ${python.version}, in ${environment.path}`,
      }
    : {
        name: 'environment',
        level: 'ok',
        text: 'not made yet: the first run makes it (about 1.4 GB to fetch, some minutes)',
      }
  yield* await checkOtherEnvironments(cache, environment?.path)
  yield model
    ? { name: 'embedded model', level: 'ok', text: `ready: ${model.name}, ${size(model.weightsBytes)}` }
    : { name: 'embedded model', level: 'ok', text: 'not here yet: the first run fetches it (93 MB) and converts it' }
}

async function tryPython(env: NodeJS.ProcessEnv): Promise<Python | Check> {
  try {
    return await findPython({ env })
  } catch (error) {
    if (!(error instanceof SeerError)) throw error
    return {
      name: 'Python',
      level: 'problem',
      text: error.message,
      ...(error.hint === undefined ? {} : { hint: error.hint }),
    }
  }
}

async function checkUv(python: Python, cache: string, env: NodeJS.ProcessEnv): Promise<Check> {
  const name = 'uv'
  const onPath = await runTool(['uv', '--version'], { env, cwd: tmpdir() }).catch(() => undefined)
  const version = /^uv (\d+\.\d+\.\d+)/.exec(onPath?.stdout ?? '')?.[1]
  if (version !== undefined && isNewEnoughUv(version)) return { name, level: 'ok', text: `${version}, found on PATH` }
  const old = version === undefined ? '' : ` (${version} on PATH is too old)`
  if (existsSync(join(cache, 'tools', `uv-${uvVersion}-${python.platform}`, 'bin', 'uv')))
    return { name, level: 'ok', text: `${uvVersion}, in the cache${old}` }
  const pip =
    python.hasPip ||
    (await runTool(['pip3', '--version'], { env, cwd: tmpdir() }).catch(() => undefined))?.exitCode === 0
  if (pip) return { name, level: 'ok', text: `not here yet: pip brings ${uvVersion} at the first run${old}` }
  return {
    name,
    level: 'problem',
    text: `there is neither uv nor a pip to bring it${old}`,
    hint: 'install uv, or pip (apt install python3-pip, or python3 -m ensurepip)',
  }
}

const environmentSchema = z.object({ packages: z.number(), megabytes: z.number() })
const modelSchema = z.object({ name: z.string(), weightsBytes: z.number() })

async function readyEnvironment(python: Python, cache: string) {
  const path = join(cache, 'environments', environmentId(await composeRequirements(), python))
  if (!existsSync(join(path, 'bin', 'python'))) return undefined
  const ready = await readReady(path, { schema: environmentSchema })
  return ready && { ...ready, path }
}

/** Made for experiments with packages of their own, or by another Seer or Python: nobody but the researcher knows. */
async function checkOtherEnvironments(cache: string, used: string | undefined): Promise<Check[]> {
  const root = join(cache, 'environments')
  const others = foldersIn(root)
    .map((name) => join(root, name))
    .filter((path) => path !== used)
  const rows: string[] = []
  for (const path of others) {
    const ready = await readReady(path, { schema: environmentSchema })
    rows.push(`${path}: ${ready ? `${(ready.megabytes / 1000).toFixed(1)} GB` : 'not finished'}`)
  }
  if (rows.length === 0) return []
  const text = [`${plural(rows.length, 'other')}, for other packages or of another version:`, ...rows].join('\n')
  const hint = '`seer env rm` removes what no sandbox uses: it is made again when it is needed'
  return [{ name: 'environments', level: 'ok', text, hint }]
}

async function readyModel(cache: string) {
  for (const name of foldersIn(join(cache, 'models'))) {
    const model = await readReady(join(cache, 'models', name), { schema: modelSchema })
    if (model) return model
  }
  return undefined
}

async function checkCache(cache: string, env: NodeJS.ProcessEnv, isReady: boolean): Promise<Check> {
  const name = 'cache'
  const hint = 'set SEER_CACHE to a folder on a larger disk that you can write to'
  const free = await freeBytes(cache)
  const holds = await sizesIn(cache, env)
  const text = `${cache}${holds === '' ? '' : `: ${holds}`}${free === undefined ? '' : `; ${size(free)} free`}`
  if (!isWritable(nearestFolder(cache)))
    return { name, level: isReady ? 'warning' : 'problem', text: `${text}; it cannot be written to`, hint }
  if (!isReady && free !== undefined && free < SET_UP_BYTES)
    return { name, level: 'problem', text: `${text}, and the set-up needs about ${size(SET_UP_BYTES)}`, hint }
  return { name, level: 'ok', text }
}

/** `environments 1.4 GB, models 540 MB`, the largest first. */
async function sizesIn(cache: string, env: NodeJS.ProcessEnv): Promise<string> {
  const names = foldersIn(cache)
  if (names.length === 0) return ''
  const result = await runTool(['du', '-sk', ...names.map((name) => join(cache, name))], { env }).catch(() => undefined)
  const sizes = (result?.stdout ?? '').split('\n').flatMap((line) => {
    const [kilobytes, path] = line.split('\t')
    return path === undefined ? [] : [{ name: path.slice(cache.length + 1), bytes: Number(kilobytes) * 1024 }]
  })
  return sizes
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ name, bytes }) => `${name} ${size(bytes)}`)
    .join(', ')
}

function foldersIn(folder: string): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch {
    return []
  }
}
