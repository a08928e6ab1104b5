/** What an agent was given to call, and what the file that serves it prints. */
import { plural } from '../amounts.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { Disclosure } from './disclosure.tsx'
import { LongText } from './long-text.tsx'
import { ansiToHtml } from './text/ansi.ts'
import type { Entry } from './timeline.ts'
import type { View } from './view.ts'

type EntryOf<K extends Entry['kind']> = Extract<Entry, { kind: K }>

export function InterfaceServed({ entry, view }: { entry: EntryOf<'interface'>; view: View }) {
  const { seq, name, file, functions } = entry
  const summary = (
    <>
      <span class="quiet">served</span> <code>{neutralise(name)}</code>{' '}
      <span class="quiet">
        {plural(functions.length, 'function')} of {neutralise(file)}
      </span>
    </>
  )
  return (
    <section class="milestone milestone-interface">
      <Disclosure id={`interface-${seq}`} view={view} class="call-fold" summary={summary}>
        {() => (
          <ul class="call-body">
            {functions.map((text) => (
              <li key={text}>
                <code>{neutralise(text)}</code>
              </li>
            ))}
          </ul>
        )}
      </Disclosure>
    </section>
  )
}

export function Printed({ entry, view }: { entry: EntryOf<'printed'>; view: View }) {
  const { seq, name, stream, text } = entry
  return (
    <section class="milestone milestone-printed">
      <span class="output-label">
        {neutralise(name)} printed{stream === 'stderr' && ' (stderr)'}
      </span>
      <LongText
        id={`printed-${seq}`}
        view={view}
        text={text}
        toHtml={ansiToHtml}
        class="stream-text"
        head={20}
        tail={10}
        label="Printed"
      />
    </section>
  )
}
