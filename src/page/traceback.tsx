/** What a cell raised: its name and message first, then where. */
import { previewOf } from '../notebook/notebook-outputs.ts'
import { isBlobRef, type Output } from '../notebook/nbformat.ts'
import { neutralise, stripAnsi } from '../notebook/terminal-text.ts'
import { LongText } from './long-text.tsx'
import { ansiToHtml } from './text/ansi.ts'
import type { View } from './view.ts'

const HEAD = 4
const TAIL = 16
const MAX_MESSAGE = 2000

export interface TracebackProps {
  readonly id: string
  readonly error: Extract<Output, { output_type: 'error' }>
  readonly view: View
}

export function Traceback({ id, error: { ename, evalue, traceback }, view }: TracebackProps) {
  const message = isBlobRef(evalue) ? previewOf(evalue) : evalue
  const frames = isBlobRef(traceback) ? previewOf(traceback) : framesOf(traceback, ename)
  return (
    <div class="traceback">
      <p class="traceback-message">
        <strong>{neutralise(ename)}</strong>
        {message === '' ? '' : ': '}
        <span class="traceback-value">{neutralise(message).slice(0, MAX_MESSAGE)}</span>
      </p>
      {frames.trim() !== '' && (
        <LongText
          id={`${id}-trace`}
          view={view}
          text={frames}
          toHtml={ansiToHtml}
          class="traceback-text"
          head={HEAD}
          tail={TAIL}
          label="Traceback"
        />
      )}
    </div>
  )
}

/** Without the rule at its start, and without the last line, which says the message again. */
function framesOf(traceback: readonly string[], ename: string): string {
  const entries = traceback.filter((entry) => !/^-{20,}$/.test(stripAnsi(entry).trim()))
  const last = stripAnsi(entries.at(-1) ?? '').trim()
  return (last.startsWith(ename) ? entries.slice(0, -1) : entries).join('\n')
}
