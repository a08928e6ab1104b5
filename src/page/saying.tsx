/** Words of an agent, of the researcher, or of Seer to an agent. */
import { neutralise } from '../notebook/terminal-text.ts'
import type { By } from '../run/events.ts'
import { Disclosure } from './disclosure.tsx'
import { nameOf, roleOf } from './person.ts'
import { markdownToHtml } from './text/markdown.ts'
import type { View } from './view.ts'

export interface SayingProps {
  readonly id: string
  readonly by: By
  /** Whom it is said to; null: to nobody in particular. */
  readonly to: string | null
  readonly text: string
  readonly thinking?: string | undefined
  readonly view: View
}

const LONG_CHARS = 6000

export function Saying({ id, by, to, text, thinking, view }: SayingProps) {
  const role = roleOf(by)
  return (
    <section class={`saying by-${role}`} id={id}>
      <header class="saying-head">
        <span class="person">{nameOf(by)}</span>
        {to !== null && <span class="quiet"> to {neutralise(to.replace(/^agent:/, ''))}</span>}
      </header>
      {thinking !== undefined && thinking.trim() !== '' && (
        <Disclosure id={`${id}-thinking`} view={view} class="thinking" summary="Reasoning">
          {() => <Words text={thinking} />}
        </Disclosure>
      )}
      {text.length <= LONG_CHARS ? (
        text.trim() !== '' && <Words text={text} />
      ) : (
        <Disclosure
          id={`${id}-words`}
          view={view}
          class="long-words"
          summary={neutralise(`${text.slice(0, 200).trim()}…`)}
        >
          {() => <Words text={text} />}
        </Disclosure>
      )}
    </section>
  )
}

function Words({ text }: { text: string }) {
  return <div class="prose" dangerouslySetInnerHTML={{ __html: markdownToHtml(text) }} />
}
