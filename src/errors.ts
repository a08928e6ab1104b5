/**
 * The one error that Seer throws on purpose. The fields are the truth; the sentence is for people.
 *
 * What the agent can fix is data and never reaches this class. What the researcher must fix is thrown, with what happened
 * (`message`), what to do (`hint`) and why (`cause`).
 */
export class SeerError extends Error {
  readonly code: string
  readonly hint: string | undefined
  /** The run cannot go on after this (its log or its sandbox is gone): no tool result may hide it. */
  readonly endsRun: boolean

  constructor(code: string, options: { message: string; hint?: string; cause?: unknown; endsRun?: boolean }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'SeerError'
    this.code = code
    this.hint = options.hint
    this.endsRun = options.endsRun ?? false
  }
}

/** What went wrong first: `await using` wraps it in another error when the cleaning up fails too. */
export function firstError(error: unknown): unknown {
  return error instanceof SuppressedError ? firstError(error.suppressed) : error
}

/** A short text for any thrown value, with the hint of a SeerError on a second line. */
export function describeError(thrown: unknown): string {
  const error = firstError(thrown)
  if (error instanceof SeerError) return error.hint ? `${error.message}\n  → ${error.hint}` : error.message
  return error instanceof Error ? error.message : String(error)
}

/** True for what an aborted signal or a cancelled stream throws. */
export function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')
}
