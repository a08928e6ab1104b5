/** For people: whoever is about to type lets the agents wait at the edge of their next step. */
import { z } from 'zod'
import { adds } from '../tools/annotations.ts'
import type { Floor } from '../tools/floor.ts'
import { defineTool, type Tool } from '../tools/tool.ts'

export const HOLD_TURN = 'hold_turn'

export interface Turn {
  readonly tool: Tool
  readonly release: () => void
}

export function openTurn(floor: Floor): Turn {
  let giveBack: (() => void) | undefined
  const release = () => {
    giveBack?.()
    giveBack = undefined
  }
  const tool = defineTool({
    name: HOLD_TURN,
    description: 'Let the agents of this session wait before their next step, until it is called with false.',
    input: z.strictObject({ hold: z.boolean() }),
    result: z.strictObject({ held: z.boolean(), others: z.array(z.string()) }),
    annotations: adds('Hold the floor', { idempotentHint: true }),
    execute: ({ hold }, { by }) => {
      if (hold) giveBack ??= floor.hold(by)
      else release()
      const others = floor.others(by)
      const text = hold ? 'The agents wait before their next step.' : 'The agents go on.'
      return Promise.resolve({ content: [{ type: 'text', text }], structured: { held: hold, others } })
    },
  })
  return { tool, release }
}
