/** What the log says of a cell, as a kernel would say it. */
import type * as nbformat from '@jupyterlab/nbformat'
import { inlineOutput } from '../notebook/inline.ts'
import { isBlobRef, type BlobRef, type Output } from '../notebook/nbformat.ts'
import { previewOf } from '../notebook/notebook-outputs.ts'
import type { ReadBlob } from '../notebook/stream-text.ts'
import type { EventOf } from '../run/events.ts'
import type { Said } from './message.ts'
import { safeData, safeMetadata } from './safe-outputs.ts'

/** Jupyter's server takes no message of more than 10 MiB from a gateway. */
const MAX_CHARS = 4 * 1024 * 1024

export const status = (state: 'busy' | 'idle' | 'restarting' | 'dead'): Said => ({
  channel: 'iopub',
  type: 'status',
  content: { execution_state: state },
})

export function outputSaid(output: Output, readBlob: ReadBlob): Said {
  return { channel: 'iopub', type: output.output_type, ...partsOf(output, readBlob) }
}

function partsOf(output: Output, readBlob: ReadBlob): Pick<Said, 'content' | 'metadata'> {
  switch (output.output_type) {
    case 'stream':
      return { content: { name: output.name, text: textOf(output.text) } }
    case 'error': {
      const { ename, evalue, traceback } = output
      const frames = isBlobRef(traceback) ? [previewOf(traceback)] : traceback
      return { content: { ename, evalue: textOf(evalue), traceback: frames } }
    }
    case 'clear_output':
      return { content: { wait: output.wait } }
    default: {
      const { data = {} } = inlineOutput({ output_type: 'display_data', data: output.data }, readBlob)
      const content = {
        data: safeData(data as nbformat.IMimeBundle, MAX_CHARS),
        metadata: safeMetadata(output.metadata),
      }
      const transient = output.display_id === undefined ? {} : { display_id: output.display_id }
      const count = output.output_type === 'execute_result' ? { execution_count: output.execution_count } : {}
      return { content: { ...content, transient, ...count } }
    }
  }
}

const textOf = (value: string | BlobRef): string => (isBlobRef(value) ? previewOf(value) : value)

/** How a cell ended that no traceback tells of. */
const WORDS: Partial<Record<EventOf<'cell-end'>['status'], string>> = {
  died: 'The kernel died while this cell ran. All variables are lost: Kernel > Restart Kernel starts another.',
  stopped: 'The kernel was ended while this cell ran. All variables were lost with it.',
  unknown: 'It is not known how this cell ended: the connection to its kernel was lost.',
}

export interface Told {
  readonly reply: Said
  readonly before: readonly Said[]
}

/** `last` is the cell's traceback, where it had one. */
export function endSaid(end: EventOf<'cell-end'>, last: Said | undefined): Told {
  const count = end.executionCount === null || end.executionCount < 0 ? null : end.executionCount
  const words = WORDS[end.status]
  const reply = (content: object): Said => ({
    channel: 'shell',
    type: 'execute_reply',
    content: { ...content, execution_count: count },
  })
  if (words !== undefined) return failure('KernelLost', words, count)
  if (end.status === 'ok') return { reply: reply({ status: 'ok', payload: [], user_expressions: {} }), before: [] }
  if (end.status === 'aborted') return { reply: reply({ status: 'aborted' }), before: [] }
  return { reply: reply({ status: 'error', ename: 'Error', evalue: '', traceback: [], ...last?.content }), before: [] }
}

/** Nothing ran, or nobody knows: said where the output would be. */
export function failure(ename: string, words: string, count: number | null = null): Told {
  const content = { ename, evalue: words, traceback: [words] }
  return {
    before: [{ channel: 'iopub', type: 'error', content }],
    reply: {
      channel: 'shell',
      type: 'execute_reply',
      content: { status: 'error', ...content, execution_count: count },
    },
  }
}
