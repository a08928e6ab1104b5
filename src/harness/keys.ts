/**
 * Where keys come from: the environment, else `.env` in the folder where the command was given.
 *
 * What `.env` says is handed to the provider and goes nowhere else: not into `process.env`, so to no process that is started.
 * Only the current folder is read. A key beside an experiment would travel with it.
 */
import { isSet, readEnvFile, type Environment } from '../env-file.ts'

export interface Keys {
  readonly ANTHROPIC_API_KEY?: string | undefined
  readonly ANTHROPIC_BASE_URL?: string | undefined
}

/** The key's name is in the environment or in the file; where, for the run's first lines. */
export type KeySource = 'environment' | '.env'

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
  const file = readEnvFile(folder)
  if (!isSet(file['ANTHROPIC_API_KEY'])) return { keys: set, from: undefined }
  const baseURL = isSet(ANTHROPIC_BASE_URL) ? ANTHROPIC_BASE_URL : file['ANTHROPIC_BASE_URL']
  return { keys: { ANTHROPIC_API_KEY: file['ANTHROPIC_API_KEY'], ANTHROPIC_BASE_URL: baseURL }, from: '.env' }
}
