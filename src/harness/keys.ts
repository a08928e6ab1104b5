/**
 * Where keys come from: the environment, else `.env` in the folder where the command was given.
 *
 * What `.env` says is handed to the provider and goes nowhere else: not into `process.env`, so to no process that is started.
 * Only the current folder is read. A key beside an experiment would travel with it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describeError, SeerError } from '../errors.ts'

export interface Keys {
  readonly ANTHROPIC_API_KEY?: string | undefined
  readonly ANTHROPIC_BASE_URL?: string | undefined
}

/** The key's name is in the environment or in the file; where, for the run's first lines. */
export type KeySource = 'environment' | '.env'

type Environment = Readonly<Record<string, string | undefined>>

/**
 * The address in a `.env` is believed only with the key beside it: else a folder from elsewhere could have the key of the
 * environment sent to an address of its own.
 */
export function readKeys(
  env: Environment = process.env,
  folder = process.cwd(),
): { keys: Keys; from: KeySource | undefined } {
  const { ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL } = env
  const set = { ANTHROPIC_API_KEY, ANTHROPIC_BASE_URL }
  if (isSet(ANTHROPIC_API_KEY)) return { keys: set, from: 'environment' }
  const file = readEnvFile(join(folder, '.env'))
  if (!isSet(file['ANTHROPIC_API_KEY'])) return { keys: set, from: undefined }
  const baseURL = isSet(ANTHROPIC_BASE_URL) ? ANTHROPIC_BASE_URL : file['ANTHROPIC_BASE_URL']
  return { keys: { ANTHROPIC_API_KEY: file['ANTHROPIC_API_KEY'], ANTHROPIC_BASE_URL: baseURL }, from: '.env' }
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== ''
}

function readEnvFile(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, 'utf8'))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'EISDIR') return {}
    throw new SeerError('env-file-unreadable', {
      message: `${path} cannot be read: ${describeError(cause)}`,
      hint: 'Make it readable, or take it away.',
      cause,
    })
  }
}
