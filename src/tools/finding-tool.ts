/** The tool by which an agent ends its work: a claim in the experiment's own schema, with the cells that show it. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { adds } from './annotations.ts'
import { findCell } from './cell-result.ts'
import type { Notebook } from './notebook.ts'
import { defineTool, type Tool } from './tool.ts'

/** `answer` is the experiment's schema of what is to be found; without one, the claim is all there is. */
export function findingTool(notebook: Notebook, answer: z.ZodObject | undefined): Tool {
  const effect = z.strictObject({
    value: z.number(),
    unit: z.string(),
    n: z.int().positive().describe('Number of trials or items that it rests on'),
    interval: z.tuple([z.number(), z.number()]).optional().describe('95% confidence interval'),
  })
  const base = z.strictObject({
    claim: z.string().min(1).describe('What you found, in one or two sentences'),
    confidence: z.number().min(0).max(1).describe('The probability that you give it'),
    cells: z.array(z.string()).min(1).describe('Ids of the cells whose output shows it'),
    effect: effect.optional(),
    control: z.string().optional().describe('What it was compared with, and how that came out'),
  })
  const input = answer ? base.extend({ answer: answer.strict() }) : base
  let submitted = false
  return defineTool({
    name: 'submit_finding',
    description:
      'Submit what you found, at the end of your work. The first submission is final: it cannot be changed afterwards.',
    input,
    result: z.strictObject({ accepted: z.boolean() }),
    annotations: adds('Submit the finding'),
    execute: async (finding, { emit, by }) => {
      if (submitted)
        throw new SeerError('finding-final', {
          message: 'A finding has been submitted already, and the first one is final.',
        })
      for (const id of finding.cells) {
        const facts = findCell(notebook, id)
        if (facts.status === 'running')
          throw new SeerError('finding-cell', {
            message: `${id} is still running: wait for it before you rest a finding on it.`,
          })
      }
      submitted = true
      emit({ type: 'finding-submit', by, session: notebook.kernel.session, finding: clean(finding) })
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
