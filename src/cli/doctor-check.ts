export interface Check {
  readonly name: string
  /** `problem`: `seer run sandbox-intro` would not get through. `warning`: it would, and there is something to know. */
  readonly level: 'ok' | 'warning' | 'problem'
  readonly text: string
  /** What to do. */
  readonly hint?: string
}
