/** The last line that a cell has printed, for clients that show how a call is getting on. */
import type { Output } from '../notebook/nbformat.ts'
import { collapse, neutralise } from '../notebook/terminal-text.ts'

const MAX_CHARS = 200
const MAX_READ = 4000

/** Undefined where an output shows no words. Nothing in it acts on a terminal. */
export function lastLine(output: Output): string | undefined {
  if (output.output_type !== 'stream') return undefined
  const text = typeof output.text === 'string' ? output.text : (output.text.tail ?? '')
  const lines = neutralise(collapse(text.slice(-MAX_READ))).split('\n')
  const last = lines.findLast((line) => line.trim() !== '')?.trim()
  if (last === undefined || last.length <= MAX_CHARS) return last
  return `${last.slice(0, MAX_CHARS)}…`.toWellFormed()
}
