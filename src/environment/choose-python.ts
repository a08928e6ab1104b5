/** What `python` of a sandbox's configuration stands for: an environment to use as it is, or an interpreter to make ones with. */
import { access, constants, lstat, readdir, realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { SeerError } from '../errors.ts'
import { exists } from './cache.ts'
import { findPythonRemembered, isNewEnough, probePython, type Python } from './find-python.ts'
import type { SetupContext } from './progress.ts'

export type ChosenPython =
  { readonly kind: 'environment'; readonly path: string } | { readonly kind: 'interpreter'; readonly python: Python }

/** Throws a SeerError for what is not there, no Python, or too old. */
export async function choosePython(
  wanted: string | undefined,
  cache: string,
  context: SetupContext,
): Promise<ChosenPython> {
  if (wanted === undefined) return { kind: 'interpreter', python: await findPythonRemembered(cache, context) }
  if (/^\d+(\.\d+)*$/.test(wanted)) return { kind: 'interpreter', python: await findVersion(wanted, context) }
  const path = resolve(wanted)
  // A link that leads nowhere is there, too: it is said what is wrong with it.
  const found = await stat(path).catch(() => lstat(path).catch(() => undefined))
  if (!found) throw notThere(wanted, path)
  const environment = found.isDirectory() ? path : dirname(dirname(path))
  const isProgramOfOne = found.isDirectory() || basename(dirname(path)) === 'bin'
  if (isProgramOfOne && (await isEnvironment(environment)))
    return { kind: 'environment', path: await realpath(environment) }
  if (found.isDirectory()) {
    throw new SeerError('setup-python', {
      message: `python: ${path} is a folder, and not a Python environment: it has neither pyvenv.cfg nor conda-meta.`,
      hint: (await exists(join(path, 'bin', 'python3')))
        ? `For its interpreter, write ${join(path, 'bin', 'python3')}: environments are made with that.`
        : `Make one (python3 -m venv ${path}), or name another.`,
    })
  }
  return { kind: 'interpreter', python: await interpreterAt(path, context) }
}

/** A virtual environment, or one of conda. */
async function isEnvironment(folder: string): Promise<boolean> {
  return (await exists(join(folder, 'pyvenv.cfg'))) || (await exists(join(folder, 'conda-meta')))
}

function notThere(wanted: string, path: string): SeerError {
  const looksLikeName = !wanted.includes('/')
  return new SeerError('setup-python', {
    message: `python: there is no ${path}.`,
    hint: looksLikeName
      ? 'It is a version ("3.12"), or a path, of an environment’s folder or of an interpreter. A relative path starts where the command was given.'
      : 'A relative path starts where the command was given.',
  })
}

async function interpreterAt(path: string, { env = process.env, signal }: SetupContext): Promise<Python> {
  const why = await access(path, constants.X_OK).then(
    () => undefined,
    (error: unknown) =>
      error instanceof Error && 'code' in error && error.code === 'ENOENT'
        ? 'it is a link to what is not there any more'
        : 'it may not be executed',
  )
  const python = why ?? (await probePython(path, env, signal))
  if (typeof python === 'string') {
    throw new SeerError('setup-python', {
      message: `python: ${path} does not work as a Python interpreter: ${python}`,
      hint: 'Name a program such as /usr/bin/python3, or a version such as "3.12".',
    })
  }
  if (!isNewEnough(python.version)) throw tooOld(path, python.version)
  return python
}

export function tooOld(path: string, version: string): SeerError {
  return new SeerError('setup-python', {
    message: `python: ${path} is Python ${version}, which is too old.`,
    hint: 'Seer needs Python 3.10 or newer.',
  })
}

/** The one on PATH, else the newest of those that pyenv and uv have installed. */
async function findVersion(version: string, { env = process.env, signal }: SetupContext): Promise<Python> {
  const [major, minor] = version.split('.')
  if (minor === undefined) {
    throw new SeerError('setup-python', {
      message: `python: "${version}" is no version.`,
      hint: 'Write "3.12", or "3.12.4".',
    })
  }
  if (!isNewEnough(version)) throw tooOld(version, version)
  const name = `python${major}.${minor}`
  const places = [
    join(env['PYENV_ROOT'] || join(env['HOME'] || homedir(), '.pyenv'), 'versions'),
    env['UV_PYTHON_INSTALL_DIR'] ||
      join(env['XDG_DATA_HOME'] || join(env['HOME'] || homedir(), '.local/share'), 'uv/python'),
  ]
  const programs = [name, ...(await Promise.all(places.map((place) => installedIn(place, version, name)))).flat()]
  for (const program of programs) {
    const python = await probePython(program, env, signal)
    if (typeof python !== 'string' && `${python.version}.`.startsWith(`${version}.`)) return python
  }
  throw new SeerError('setup-python', {
    message: `python: no Python ${version} was found on this machine (looked for ${name} on PATH, and in ${places.join(' and ')}).`,
    hint: `Install it (uv python install ${version}), or give the path of its interpreter.`,
  })
}

/** Newest first. pyenv calls its folders `3.12.1`, uv `cpython-3.12.1-linux-x86_64-gnu`. */
async function installedIn(place: string, version: string, program: string): Promise<string[]> {
  const names = await readdir(place).catch(() => [])
  const found = names.flatMap((name) => {
    const has = /^(?:cpython-)?(\d+\.\d+\.\d+)(?![.\d])/.exec(name)?.[1]
    return has !== undefined && `${has}.`.startsWith(`${version}.`) ? [{ name, patch: Number(has.split('.')[2]) }] : []
  })
  return found.sort((a, b) => b.patch - a.patch).map(({ name }) => join(place, name, 'bin', program))
}
