/** A process that ran in the sandbox beside the kernels, on one line that opens. */
import { fineDuration, size } from '../amounts.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { failureText } from '../run/command-text.ts'
import { Disclosure } from './disclosure.tsx'
import { LongText } from './long-text.tsx'
import { nameOf } from './person.ts'
import { Badge } from './status.tsx'
import { ansiToHtml } from './text/ansi.ts'
import type { Entry, ProcessEnd } from './timeline.ts'
import type { View } from './view.ts'

type ProcessEntry = Extract<Entry, { kind: 'process' }>

const MAX_LINE = 160

export function ProcessLine({ entry, view }: { entry: ProcessEntry; view: View }) {
  const { seq, by, command, code } = entry
  const id = `process-${seq}`
  const end = typeof entry.end === 'string' ? null : entry.end
  const failure = end && failureText(end)
  const name = neutralise(command.slice(0, MAX_LINE))
  const summary = (
    <>
      <code class="call-name process-name">{name}</code>
      <ProcessBadge end={entry.end ?? (view.ended ? 'unknown' : null)} />
      {end && end.durationMs >= 100 && <span class="cell-time">{fineDuration(end.durationMs)}</span>}
      {failure !== null && <span class="call-input">{neutralise(failure)}</span>}
    </>
  )
  const text = (part: string, label: string, given: string) =>
    given.trim() !== '' && (
      <>
        <span class="output-label">{part}</span>
        <LongText
          id={`${id}-${part}`}
          view={view}
          text={given}
          toHtml={ansiToHtml}
          class="stream-text"
          head={20}
          tail={20}
          label={label}
        />
      </>
    )
  return (
    <section class="call call-process" id={id} tabIndex={-1} aria-label={`${nameOf(by)} ran ${name}`}>
      <Disclosure id={id} view={view} class="call-fold" summary={summary} open={failure !== null}>
        {() => (
          <div class="call-body">
            {text('ran', 'What ran', code)}
            {end && (
              <>
                {end.omittedBytes > 0 && (
                  <p class="left-out">the ends of what it printed; {size(end.omittedBytes)} are not in the log</p>
                )}
                {text('stdout', 'Output', end.stdout)}
                {text('stderr', 'Error output', end.stderr)}
              </>
            )}
          </div>
        )}
      </Disclosure>
    </section>
  )
}

function ProcessBadge({ end }: { end: ProcessEnd | 'unknown' | null }) {
  if (end === null) return <Badge tone="busy" sign="" word="running" />
  if (end === 'unknown') return <Badge tone="warn" sign="?" word="end unknown" />
  if (failureText(end) === null) return <Badge tone="quiet" sign="✓" word="ok" />
  if (end.because === undefined) return <Badge tone="error" sign="✕" word="failed" />
  return <Badge tone="warn" sign="■" word="ended" />
}
