import type { Summary } from './fold-summary.ts'

/** `run.json`: the facts of a run on one page, for people and scripts. Everything in it is in the log too. */
export function runJson(summary: Summary): Omit<Summary, 'open'> {
  const { open: _, ...facts } = summary
  return facts
}
