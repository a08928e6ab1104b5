/**
 * The file `.env` in the folder where a command was given. What it says is handed to whoever asks for it by name and goes nowhere
 * else: not into `process.env`, so to no process that is started.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { describeError, SeerError } from './errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export function isSet(value: string | undefined): value is string {
  return value !== undefined && value.trim() !== ''
}

/** Empty where there is no such file. Throws `env-file-unreadable`. */
export function readEnvFile(folder: string): Environment {
  const path = join(folder, '.env')
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
