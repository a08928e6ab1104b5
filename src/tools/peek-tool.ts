/** A look into the kernel while a cell of it runs. */
import { z } from 'zod'
import { MAX_PEEK_CHARS, MAX_PEEK_SECONDS } from '../channel/protocol.ts'
import type { PeekResult } from '../kernel/kernel.ts'
import { collapse, stripAnsi } from '../notebook/terminal-text.ts'
import type { Notebook } from './notebook.ts'
import { defineTool } from './tool.ts'
import { changes } from './annotations.ts'

const MAX_TEXT_CHARS = 10_000

export const peek = (notebook: Notebook) =>
  defineTool({
    name: 'peek',
    description:
      'Look at variables while a cell is still running, without stopping it: a few lines of plain Python (no magics) run beside it in a second thread of the same kernel. Returns what they print, and the value of the last line. Not a cell: nothing of it is in the notebook, so put what you rely on into a cell later. Read, do not change: what you assign or call here happens to the variables that the running cell works with, in the middle of its work. A peek that has not ended after `seconds` is given up.',
    input: z.strictObject({
      code: z.string().min(1).max(MAX_PEEK_CHARS).describe('Python, such as len(results), losses[-3:]'),
      seconds: z.number().positive().max(MAX_PEEK_SECONDS).default(5),
    }),
    result: z.strictObject({ status: z.enum(['ok', 'error', 'unfinished', 'refused']), running: z.array(z.string()) }),
    annotations: changes('Look into a running cell', { openWorldHint: true }),
    execute: async ({ code, seconds }, { signal }) => {
      const found = await notebook.kernel.peek(code, seconds, signal)
      const { running } = notebook.kernel
      const text = shortened(found)
      return {
        content: [
          { type: 'text', text: headline(found, running) },
          ...(text === '' ? [] : [{ type: 'text' as const, text }]),
        ],
        structured: { status: found.status, running },
      }
    },
  })

function headline({ status, why, text }: PeekResult, running: readonly string[]): string {
  const beside = running[0] === undefined ? 'No cell is running.' : `${running[0]} is still running.`
  switch (status) {
    case 'ok':
      return `[peek] ok.${text === '' ? ' It printed nothing.' : ''} ${beside}`
    case 'error':
      return `[peek] raised an error. ${beside}`
    case 'unfinished':
      return `[peek] given up: ${why ?? 'it had not ended in time'}. Its thread may go on, and cannot be stopped. ${beside}`
    case 'refused':
      return `[peek] not run: ${why ?? 'the kernel takes no more'}. ${beside}`
  }
}

function shortened({ text, omitted }: PeekResult): string {
  const plain = stripAnsi(collapse(text))
  const shown = plain.slice(0, MAX_TEXT_CHARS).toWellFormed().replace(/\n+$/, '')
  const left = omitted + Math.max(0, plain.length - MAX_TEXT_CHARS)
  return left > 0 ? `${shown}\n[… ${left} characters left out: print less …]` : shown
}
