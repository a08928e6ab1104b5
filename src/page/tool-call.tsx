/** A call of a tool, on one line that opens. */
import { neutralise } from '../notebook/terminal-text.ts'
import type { ToolCall } from '../run/fold-tools.ts'
import { fineDuration, size } from '../amounts.ts'
import { Disclosure } from './disclosure.tsx'
import { LongText } from './long-text.tsx'
import { nameOf } from './person.ts'
import { Badge } from './status.tsx'
import { ansiToHtml } from './text/ansi.ts'
import type { View } from './view.ts'

const STATUS = {
  running: ['busy', '', 'running'],
  ok: ['quiet', '✓', 'ok'],
  refused: ['error', '✕', 'refused'],
  interrupted: ['warn', '■', 'interrupted'],
  left: ['quiet', '…', 'still running'],
  unknown: ['warn', '?', 'end unknown'],
} as const satisfies Record<ToolCall['status'], unknown>

const MAX_LINE = 160

export function ToolCallLine({ call, view }: { call: ToolCall; view: View }) {
  const { seq, by, name, input, status, durationMs, content } = call
  const id = `call-${seq}`
  const [tone, sign, word] = STATUS[status]
  const summary = (
    <>
      <code class="call-name">{neutralise(name)}</code>
      <Badge tone={tone} sign={sign} word={word} />
      {durationMs !== null && durationMs >= 100 && <span class="cell-time">{fineDuration(durationMs)}</span>}
      <span class="call-input">{oneLine(input)}</span>
    </>
  )
  return (
    <section
      class={`call call-${status}`}
      id={id}
      tabIndex={-1}
      aria-label={`${nameOf(by)} called ${neutralise(name)}`}
    >
      <Disclosure id={id} view={view} class="call-fold" summary={summary} open={status === 'refused'}>
        {() => (
          <div class="call-body">
            {input !== null && (
              <>
                <span class="output-label">asked</span>
                <Text id={`${id}-input`} text={JSON.stringify(input, null, 2)} view={view} label="Input" />
              </>
            )}
            {content.length > 0 && <span class="output-label">answered</span>}
            {content.map((block, index) =>
              block.type === 'text' ? (
                <Text key={index} id={`${id}-${index}`} text={block.text} view={view} label="Answer" />
              ) : (
                <p key={index} class="left-out">
                  <a href={view.artifactUrl(block.sha256)}>an image of {size(block.bytes)}</a>
                </p>
              ),
            )}
          </div>
        )}
      </Disclosure>
    </section>
  )
}

function Text({ id, text, view, label }: { id: string; text: string; view: View; label: string }) {
  return (
    <LongText
      id={id}
      view={view}
      text={text}
      toHtml={ansiToHtml}
      class="stream-text"
      head={20}
      tail={4}
      label={label}
    />
  )
}

function oneLine(input: ToolCall['input']): string {
  if (typeof input !== 'object' || input === null) return ''
  const fields = Object.entries(input).map(
    ([key, value]) => `${key}: ${(typeof value === 'string' ? value : JSON.stringify(value)).slice(0, MAX_LINE)}`,
  )
  return neutralise(fields.join(', ').replaceAll(/\s+/g, ' ')).slice(0, MAX_LINE)
}
