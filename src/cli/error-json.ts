/** Under `--json` an error is the last line on stdout. */
import { firstError, SeerError } from '../errors.ts'
import { jsonLine } from './json-line.ts'

export interface ErrorFields {
  readonly code: string
  readonly message: string
  readonly hint: string | null
}

export function errorJson(thrown: unknown): string {
  return jsonLine({ error: errorFields(thrown) })
}

/** Of an error that is not ours, and so a defect, the code is `unexpected`; of one in the command line itself, `usage`. */
export function errorFields(thrown: unknown): ErrorFields {
  const error = firstError(thrown)
  if (error instanceof SeerError) return { code: error.code, message: error.message, hint: error.hint ?? null }
  const message = error instanceof Error ? error.message : String(error)
  const isUsage = error instanceof Error && 'code' in error && String(error.code).startsWith('commander.')
  return { code: isUsage ? 'usage' : 'unexpected', message: message.replace(/^error: /, ''), hint: null }
}
