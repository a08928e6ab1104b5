/** The tool by which an agent ends its work: a claim in the experiment's own schema, with the cells or calls that show it. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { findingSchema, type By } from '../run/events.ts'
import { adds } from './annotations.ts'
import { findCell } from './cell-result.ts'
import type { Notebook } from './notebook.ts'
import { defineTool, type Tool } from './tool.ts'

/** What a finding rests on. */
interface Evidence {
  /** How it is named in the tool's input. */
  readonly field: z.ZodRawShape
  /** Throws what the agent can mend. */
  readonly check: (finding: Readonly<Record<string, unknown>>) => void
  readonly session?: string
}

/** `answer` is the experiment's schema of what is to be found; without one, the claim is all there is. */
export function findingTool(notebook: Notebook, answer: z.ZodObject | undefined): Tool {
  const cells = z.array(z.string()).min(1).describe('Ids of the cells whose output shows it')
  return submitTool(answer, {
    field: { cells },
    session: notebook.kernel.session,
    check(finding) {
      for (const id of cells.parse(finding['cells'])) {
        const facts = findCell(notebook, id)
        if (facts.status === 'running')
          throw new SeerError('finding-cell', {
            message: `${id} is still running: wait for it before you rest a finding on it.`,
          })
      }
    },
  })
}

/** For an agent that has no notebook, and calls functions as tools. `isCall` says whether there was a call of that id. */
export function callsFindingTool(isCall: (id: string) => boolean, answer: z.ZodObject): Tool {
  const calls = z.array(z.string()).min(1).describe('Ids of the calls whose results show it, such as f3')
  return submitTool(answer, {
    field: { calls },
    check(finding) {
      const unknown = calls.parse(finding['calls']).find((id) => !isCall(id))
      if (unknown === undefined) return
      throw new SeerError('unknown-call', {
        message: `There was no call "${unknown}". The result of each call begins with its id, such as [f3].`,
      })
    },
  })
}

function submitTool(answer: z.ZodObject | undefined, evidence: Evidence): Tool {
  const effect = z.strictObject({
    value: z.number(),
    unit: z.string(),
    n: z.int().positive().describe('Number of trials or items that it rests on'),
    interval: z.tuple([z.number(), z.number()]).optional().describe('95% confidence interval'),
  })
  const base = z.strictObject({
    claim: z.string().min(1).describe('What you found, in one or two sentences'),
    confidence: z.number().min(0).max(1).describe('The probability that you give it'),
    ...evidence.field,
    effect: effect.optional(),
    control: z.string().optional().describe('What it was compared with, and how that came out'),
  })
  const input = answer ? base.extend({ answer: answer.strict() }) : base
  // Of each agent: one that looks in does not take the place of the run's own.
  const submitted = new Set<By>()
  return defineTool({
    name: 'submit_finding',
    description:
      'Submit what you found, at the end of your work. The first submission is final: it cannot be changed afterwards.',
    input,
    result: z.strictObject({ accepted: z.boolean() }),
    annotations: adds('Submit the finding'),
    execute: async (finding, { emit, by }) => {
      if (submitted.has(by))
        throw new SeerError('finding-final', {
          message: 'You have submitted a finding already, and the first one is final.',
        })
      evidence.check(finding)
      submitted.add(by)
      const session = evidence.session === undefined ? {} : { session: evidence.session }
      emit({ type: 'finding-submit', by, ...session, finding: findingSchema.parse({ cells: [], ...clean(finding) }) })
      return Promise.resolve({
        content: [{ type: 'text', text: 'Your finding has been recorded. It is final.' }],
        structured: { accepted: true },
      })
    },
  })
}

/** Optional fields that were left out are absent in the log, not undefined. */
function clean<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return JSON.parse(JSON.stringify(value)) as { [K in keyof T]: Exclude<T[K], undefined> }
}
