import { existsSync, readdirSync, statSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'
import { registerExperimentHooks } from './load-hooks.ts'

/** What an experiment's folder is run from. */
const ENTRY = 'experiment.ts'

/** The default export of an experiment: a TypeScript file, or a folder with an `experiment.ts`, wherever it lies. */
export async function loadExperiment(path: string): Promise<unknown> {
  const file = entryOf(resolve(path))
  registerExperimentHooks()
  let module: Record<string, unknown>
  try {
    module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  } catch (cause) {
    throw loadError(file, cause)
  }
  if (module.default === undefined) {
    throw new SeerError('experiment-no-default', {
      message: `${file} has no default export`,
      hint: 'end it with: export default experiment({ params, profiles, run })',
    })
  }
  return module.default
}

function entryOf(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) {
    const folder = dirname(path)
    const near = existsSync(folder) ? didYouMean(basename(path), readdirSync(folder)) : ''
    throw new SeerError('experiment-not-found', {
      message: `there is no file or folder ${path}${near}`,
      hint: `give a TypeScript file, or a folder that has an ${ENTRY}`,
    })
  }
  if (!stat.isDirectory()) return path
  const entry = join(path, ENTRY)
  if (existsSync(entry)) return entry
  const sources = readdirSync(path).filter((name) => name.endsWith('.ts'))
  throw new SeerError('experiment-not-found', {
    message: `the folder ${path} has no ${ENTRY}`,
    hint: sources.length ? `name the file to run, one of: ${sources.join(', ')}` : `make one: ${entry}`,
  })
}

function loadError(file: string, cause: unknown): SeerError {
  if (cause instanceof SeerError) return cause
  const { code, message } =
    cause instanceof Error ? (cause as NodeJS.ErrnoException) : { code: undefined, message: String(cause) }
  if (cause instanceof SyntaxError) {
    const hint =
      code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX'
        ? 'types are stripped, not compiled: write unions for enums, plain modules for namespaces, fields for parameter properties'
        : 'correct it there and run again'
    return new SeerError('experiment-syntax', {
      message: `cannot read ${whereOf(cause) ?? file}: ${message}`,
      hint,
      cause,
    })
  }
  if (code === 'ERR_MODULE_NOT_FOUND') {
    const hint = `write relative imports with their ending (./helpers.ts); install packages beside the experiment (npm install in ${dirname(file)})`
    return new SeerError('experiment-import', { message: `${file} imports what is not there: ${message}`, hint, cause })
  }
  return new SeerError('experiment-failed', {
    message: `${file} threw while it was loaded: ${message}`,
    hint: whereHint(cause),
    cause,
  })
}

// V8 and the type stripper put `file:line` of a syntax error on the first line of the stack.
function whereOf(error: Error): string | undefined {
  const first = error.stack?.split('\n', 1)[0] ?? ''
  return /^(file:\/\/|\/).*:\d+$/.test(first) ? decodeURI(first.replace('file://', '')) : undefined
}

function whereHint(cause: unknown): string {
  const frame =
    cause instanceof Error ? cause.stack?.split('\n').find((line) => /^\s+at .*\.ts:\d+/.test(line)) : undefined
  return frame ? `it happened ${frame.trim()}` : 'what an experiment does belongs into its run function'
}
