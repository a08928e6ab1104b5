/** An agent that makes the same call again and again, and is told the same each time, is warned; then it is stopped. */
import { isDeepStrictEqual } from 'node:util'
import type { ContentBlock, ToolResult } from '../tools/tool.ts'

export const WARNED_AFTER = 5
export const STOPPED_AFTER = 10

export interface Repeats {
  /** How often the same has now come in a row. */
  count(call: { name: string; input: unknown }, result: ToolResult): number
}

export function openRepeats(): Repeats {
  let last: unknown
  let count = 0
  return {
    count({ name, input }, { content, structured }) {
      const now = { name, input, told: told(content, fieldOf(structured, 'cell')) }
      // To wait for what runs on is no repetition, though each call is like the one before.
      count = fieldOf(structured, 'status') === 'running' ? 0 : isDeepStrictEqual(now, last) ? count + 1 : 1
      last = now
      return count
    },
  }
}

export function repeatWarning(name: string): string {
  return `You have called ${name} ${WARNED_AFTER} times in a row with the same input, and the result was the same each time. After ${STOPPED_AFTER} times you will be stopped: do something else.`
}

/** Each cell has another id, and that alone makes no difference. */
function told(content: readonly ContentBlock[], cell: unknown): unknown[] {
  return content.map((block) =>
    block.type === 'text' && typeof cell === 'string' ? block.text.replaceAll(cell, 'cell') : block,
  )
}

function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && key in value
    ? (value as Record<string, unknown>)[key]
    : undefined
}
