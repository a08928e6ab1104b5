/** Where JupyterLab runs: an environment of its own on the researcher's side, made the first time that it is asked for. */
import { join } from 'node:path'
import { SeerError } from '../errors.ts'
import { buildEnvironment, keepUsed } from './build-environment.ts'
import { cacheRoot } from './cache.ts'
import { findPythonRemembered } from './find-python.ts'
import type { SetupContext } from './progress.ts'
import { pythonFolder, readRequirements } from './requirements.ts'

const requirementsFile = `${pythonFolder}requirements-jupyter.txt`

export interface JupyterEnvironment {
  readonly python: string
  /** Seer's own Python, which starts JupyterLab. */
  readonly boot: string
  /** Keeps it from being removed, until what is returned is called. */
  readonly use: () => () => void
}

/** Throws a SeerError where its packages cannot be had; the hint says what goes on without it. */
export async function ensureJupyter(context: SetupContext = {}): Promise<JupyterEnvironment> {
  try {
    const cache = cacheRoot(context.env)
    const python = await findPythonRemembered(cache, context)
    const built = await buildEnvironment(await readRequirements(requirementsFile), python, cache, context)
    const { path } = built
    return { python: join(path, 'bin', 'python'), boot: `${pythonFolder}boot.py`, use: () => keepUsed(built) }
  } catch (error) {
    if (!(error instanceof SeerError)) throw error
    throw new SeerError(error.code, {
      message: `JupyterLab cannot be made ready: ${error.message}`,
      hint: `${error.hint ?? 'Try again later.'} The session goes on without it.`,
      cause: error,
    })
  }
}
