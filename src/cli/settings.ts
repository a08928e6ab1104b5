/** What every command knows. */
export const exitCodes = {
  ok: 0,
  /** The run failed, or a check found problems. */
  failed: 1,
  /** Unknown command, option, parameter or experiment. */
  usage: 2,
  /** Set-up: Python, network, disk. */
  setup: 3,
  /** The recording was made for something else. */
  staleRecording: 4,
  /** All is saved, but an agent was stopped by a limit: its budget, its turns, its tokens, the same call over and over. */
  limit: 5,
  /** All is saved, but a replay put out something else. */
  differs: 6,
  interrupted: 130,
} as const

const USAGE =
  /^(unknown-|invalid-options|replay-(needs|unclear|env|running|files|other)-?|experiment-|task-|model-|library-|skill-|run-unknown|run-ambiguous|snapshot-unknown|snapshot-ambiguous|sandbox-unknown|environment-unknown|recording-missing|recording-unreadable|provider-key-missing|provider-url-invalid|price-unknown|env-file-unreadable)/

export function exitCodeOf(code: string): number {
  if (code === 'recording-stale') return exitCodes.staleRecording
  if (code.startsWith('setup-')) return exitCodes.setup
  return USAGE.test(code) ? exitCodes.usage : exitCodes.failed
}
