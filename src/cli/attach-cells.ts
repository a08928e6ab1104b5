/** A person's cells in a session of another process: run one after another, waited for as long as they take. */
import type { CallToolResult } from '@modelcontextprotocol/client'
import { z } from 'zod'
import { PATIENCE_MS, type Link } from '../mcp/bridge/link.ts'
import { HOLD_TURN } from '../mcp/turn-tool.ts'

const statusSchema = z.object({ cell: z.string(), status: z.string() })

export interface PersonsCells {
  /** Undefined when all is well: what the cell printed is in the log. Aborted, the cell is interrupted. */
  readonly run: (code: string, signal: AbortSignal, onWait: (text: string) => void) => Promise<string | undefined>
  /** The agents wait before their next step, or go on. */
  readonly hold: (hold: boolean) => Promise<void>
}

export function personsCells({ client }: Link): PersonsCells {
  const call = (name: string, input: object, signal?: AbortSignal): Promise<CallToolResult> =>
    client.request(
      { method: 'tools/call', params: { name, arguments: input } },
      { timeout: PATIENCE_MS, ...(signal ? { signal } : {}) },
    )
  let held = false
  return {
    async run(code, signal, onWait) {
      let result = await call('execute_code', { code }, signal)
      for (let told = false; isBusy(result); told = true) {
        if (!told) onWait(textOf(result))
        result = await call('execute_code', { code }, signal)
      }
      for (let cell = runningCell(result); cell !== undefined; cell = runningCell(result))
        result = await call('wait_cell', { cell }, signal)
      return result.isError ? textOf(result) : undefined
    },
    async hold(hold) {
      if (hold === held) return
      held = hold
      await call(HOLD_TURN, { hold })
    },
  }
}

function runningCell({ structuredContent }: CallToolResult): string | undefined {
  const { data } = statusSchema.safeParse(structuredContent)
  return data?.status === 'running' ? data.cell : undefined
}

/** Somebody else has a cell running: a person waits longer than an agent. */
function isBusy(result: CallToolResult): boolean {
  return result.isError === true && textOf(result).startsWith('Nothing was run: ')
}

function textOf({ content }: CallToolResult): string {
  return content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
}
