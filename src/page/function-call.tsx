/** A call of a served function, on one line that opens. */
import { fineDuration, size } from '../amounts.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import type { CalledWith } from '../run/interface-events.ts'
import type { FunctionCall } from '../run/fold-calls.ts'
import { Disclosure } from './disclosure.tsx'
import { LongText } from './long-text.tsx'
import { nameOf } from './person.ts'
import { Badge } from './status.tsx'
import { ansiToHtml } from './text/ansi.ts'
import type { View } from './view.ts'

const STATUS = {
  running: ['busy', '', 'running'],
  ok: ['quiet', '✓', 'ok'],
  error: ['error', '✕', 'failed'],
  timeout: ['error', '✕', 'too slow'],
  cancelled: ['warn', '■', 'cancelled'],
  unknown: ['warn', '?', 'end unknown'],
} as const satisfies Record<FunctionCall['status'], unknown>

const MAX_LINE = 160

export function FunctionCallLine({ call, view }: { call: FunctionCall; view: View }) {
  const { seq, by, args, result, error, durationMs } = call
  const status = call.status === 'running' && view.ended ? 'unknown' : call.status
  const id = `function-call-${seq}`
  const name = neutralise(`${call.interface}.${call.function}`)
  const [tone, sign, word] = STATUS[status]
  const summary = (
    <>
      <code class="call-name">{name}</code>
      <Badge tone={tone} sign={sign} word={word} />
      {durationMs !== null && durationMs >= 100 && <span class="cell-time">{fineDuration(durationMs)}</span>}
      <span class="call-input">{neutralise(args.text.replaceAll(/\s+/g, ' ')).slice(0, MAX_LINE)}</span>
    </>
  )
  return (
    <section class={`call call-function`} id={id} tabIndex={-1} aria-label={`${nameOf(by)} called ${name}`}>
      <Disclosure id={id} view={view} class="call-fold" summary={summary} open={error !== null}>
        {() => (
          <div class="call-body">
            <p class="left-out">
              {neutralise(call.call)}
              {call.cell !== null && `, from cell ${neutralise(call.cell)}`}
            </p>
            <Value id={`${id}-args`} part="asked" value={args} view={view} />
            {result && <Value id={`${id}-result`} part="answered" value={result} view={view} />}
            {error && (
              <>
                <span class="output-label">{neutralise(error.kind)}</span>
                <Text
                  id={`${id}-error`}
                  text={[error.message, error.traceback ?? ''].join('\n').trimEnd()}
                  view={view}
                />
              </>
            )}
          </div>
        )}
      </Disclosure>
    </section>
  )
}

function Value({ id, part, value, view }: { id: string; part: string; value: CalledWith; view: View }) {
  const { text, bytes, sha256, buffers = [] } = value
  return (
    <>
      <span class="output-label">{part}</span>
      <Text id={id} text={text} view={view} />
      {sha256 !== undefined && (
        <p class="left-out">
          its beginning; <a href={view.artifactUrl(sha256)}>all {size(bytes)}</a>
        </p>
      )}
      {buffers.map((buffer, index) => (
        <p key={index} class="left-out">
          array {index}: {size(buffer.bytes)}, sha256 {buffer.sha256.slice(0, 12)}…
        </p>
      ))}
    </>
  )
}

function Text({ id, text, view }: { id: string; text: string; view: View }) {
  return (
    <LongText id={id} view={view} text={text} toHtml={ansiToHtml} class="stream-text" head={20} tail={4} label="Text" />
  )
}
