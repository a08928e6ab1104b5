/** Where an agent begins and ends, what was saved, and the end of the run. */
import { neutralise } from '../notebook/terminal-text.ts'
import type { AnsweredBy } from '../run/events.ts'
import { fineDuration, plural, size } from '../amounts.ts'
import { Disclosure } from './disclosure.tsx'
import { Notice } from './notice.tsx'
import { nameOf } from './person.ts'
import { Badge, RunBadge } from './status.tsx'
import { markdownToHtml } from './text/markdown.ts'
import type { Entry } from './timeline.ts'
import type { View } from './view.ts'

type EntryOf<K extends Entry['kind']> = Extract<Entry, { kind: K }>

export function AgentStart({ entry: { seq, event }, view }: { entry: EntryOf<'agent'>; view: View }) {
  const { by, provider, model, prompt, tools, recorded } = event
  return (
    <section class="milestone milestone-agent">
      <header class="milestone-head">
        <span class="person">{nameOf(by)}</span> begins
        <span class="quiet">
          {neutralise(model)} ({neutralise(provider)}), {plural(tools.length, 'tool')}
        </span>
      </header>
      {recorded && <Notice level="warning" title="recorded-agent" text={recordedText(recorded)} />}
      <Disclosure id={`agent-${seq}`} view={view} class="quiet" summary="Instructions that it was given">
        {() => <div class="prose prompt" dangerouslySetInnerHTML={{ __html: markdownToHtml(prompt) }} />}
      </Disclosure>
    </section>
  )
}

export function recordedText({ provider, model, at, knewTruth, note }: AnsweredBy): string {
  const saw =
    knewTruth === null ? 'not known whether it had seen the answer' : `it had ${knewTruth ? '' : 'not '}seen the answer`
  return `The words are of ${at.slice(0, 10)}, by ${note ?? `${provider}/${model}`}; ${saw}. The code runs now, so the numbers are fresh.`
}

const ENDED = { finished: 'finished', limit: 'stopped at a limit', interrupted: 'was interrupted', failed: 'failed' }

export function AgentEnd({ entry: { by, reason, detail } }: { entry: EntryOf<'agent-end'> }) {
  return (
    <section class="milestone milestone-agent-end">
      <header class="milestone-head">
        <span class="person">{nameOf(by)}</span>
        {reason === 'finished' ? (
          'finished'
        ) : (
          <Badge tone={reason === 'failed' ? 'error' : 'warn'} sign="■" word={ENDED[reason]} />
        )}
        {detail !== null && <span class="quiet">{neutralise(detail)}</span>}
      </header>
    </section>
  )
}

export function Saved({ entry: { name, sha256, bytes, file }, view }: { entry: EntryOf<'saved'>; view: View }) {
  return (
    <section class="milestone milestone-saved">
      <span class="quiet">saved</span>{' '}
      <a href={view.artifactUrl(sha256, file ?? name)} download={file ?? name}>
        {neutralise(name)}
      </a>{' '}
      <span class="quiet">
        {size(bytes)}
        {file !== null && `, results/${neutralise(file)}`}
      </span>
    </section>
  )
}

export function RunEnd({ entry: { status, durationMs, error } }: { entry: EntryOf<'end'> }) {
  return (
    <section class="milestone milestone-end">
      <header class="milestone-head">
        The run ended <RunBadge status={status} /> <span class="quiet">after {fineDuration(durationMs)}</span>
      </header>
      {error && (
        <Notice level="error" title={error.code} text={error.message}>
          {error.hint !== undefined && <p class="notice-hint">{neutralise(error.hint)}</p>}
        </Notice>
      )}
    </section>
  )
}
