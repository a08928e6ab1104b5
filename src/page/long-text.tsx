/** Text that may be long: its first and last lines, and all of it when asked for. */
import { Disclosure } from './disclosure.tsx'
import { plural } from '../amounts.ts'
import type { View } from './view.ts'

export interface LongTextProps {
  readonly id: string
  readonly view: View
  readonly text: string
  readonly toHtml: (text: string) => string
  readonly class: string
  readonly head: number
  readonly tail: number
  /** Said to a screen reader. */
  readonly label: string
}

export function LongText({ id, view, text, toHtml, class: name, head, tail, label }: LongTextProps) {
  const lines = text.replace(/\n$/, '').split('\n')
  const left = lines.length - head - tail
  // A fold that saves less than this is more in the way than the lines.
  if (left <= Math.max(4, (head + tail) / 4))
    return <Lines text={lines.join('\n')} toHtml={toHtml} class={name} label={label} />
  const isOpen = view.isOpen(id) === true
  const first = lines.slice(0, head).join('\n')
  const last = tail === 0 ? '' : lines.slice(-tail).join('\n')
  if (isOpen && !view.eager) {
    return (
      <>
        <Lines text={lines.join('\n')} toHtml={toHtml} class={name} label={label} />
        <button
          type="button"
          class="more"
          data-open-id={id}
          data-is-open="true"
          onClick={() => view.onToggle?.(id, false)}
        >
          Show less
        </button>
      </>
    )
  }
  return (
    <>
      {first && <Lines text={first} toHtml={toHtml} class={name} label={label} />}
      {view.onToggle ? (
        <button type="button" class="more" data-open-id={id} onClick={() => view.onToggle?.(id, true)}>
          Show all · {plural(left, 'more line')}
        </button>
      ) : (
        <Disclosure id={id} view={view} class="more-details" summary={plural(left, 'more line')}>
          {() => (
            <Lines
              text={lines.slice(head, lines.length - tail).join('\n')}
              toHtml={toHtml}
              class={name}
              label={label}
            />
          )}
        </Disclosure>
      )}
      {last && <Lines text={last} toHtml={toHtml} class={name} label={label} />}
    </>
  )
}

interface LinesProps {
  readonly text: string
  readonly toHtml: (text: string) => string
  readonly class: string
  readonly label: string
}

/** Scrolls sideways, so the keyboard must reach it. */
function Lines({ text, toHtml, class: name, label }: LinesProps) {
  return (
    <pre class={name} tabIndex={0} role="group" aria-label={label} dangerouslySetInnerHTML={{ __html: toHtml(text) }} />
  )
}
