/** What a notebook session leaves behind in its sandbox, for the process that takes it up. */
import { z } from 'zod'
import { kernelConfigSchema } from '../channel/protocol.ts'
import type { KeptSession } from '../environment/kept-sessions.ts'
import type { Sandbox } from '../environment/sandbox.ts'
import type { TellStanding } from '../environment/session-book.ts'
import { SeerError } from '../errors.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { eventPayloads } from '../run/events.ts'
import { TOOL_SETS } from '../tools/tool-sets.ts'
import type { Opening } from './opening.ts'

const aboutSchema = z.object({
  cells: z.int().nonnegative(),
  peeks: z.int().nonnegative(),
  tools: z.enum(TOOL_SETS),
  info: z.string(),
  given: eventPayloads['session-start'].pick({ libraries: true, skills: true, models: true, preloadModels: true }),
  /** With which a kernel is started anew. Null where a secret stands in it, which is written down nowhere. */
  restart: z
    .object({ config: kernelConfigSchema, steps: z.array(z.object({ code: z.string(), hidden: z.boolean() })) })
    .nullable(),
})
export type KeptNotebook = z.output<typeof aboutSchema>

export function standingOf(sandbox: Sandbox, kernel: Kernel, opening: Opening): TellStanding {
  const { tools, info, given, config } = opening
  const { redactor } = sandbox.run
  const restart = { config, steps: opening.steps.map(({ code, hidden }) => ({ code, hidden })) }
  return async () => {
    const standing = await kernel.standing()
    return () => {
      const { generation, death, cells, peeks } = standing()
      const hasSecret = redactor.value(restart) !== restart
      const about = { cells, peeks, tools, info, given, restart: hasSecret ? null : restart }
      return { generation, death, about: z.json().parse(JSON.parse(JSON.stringify(about))) }
    }
  }
}

export function readKept({ session, about }: KeptSession): KeptNotebook {
  const { data } = aboutSchema.safeParse(about)
  if (data) return data
  throw new SeerError('sessions-unreadable', {
    message: `What is written down of the session ${session} cannot be read.`,
  })
}
