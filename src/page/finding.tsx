/** A finding: what is claimed, how sure and how large it is, what it was held against, and the cells that show it. */
import { showHidden } from '../notebook/hidden-characters.ts'
import type { By, Finding } from '../run/events.ts'
import { number } from '../amounts.ts'
import { Interval } from './interval.tsx'
import { nameOf } from './person.ts'
import { markdownToHtml } from './text/markdown.ts'
import { anchorId, type View } from './view.ts'

export interface FindingProps {
  readonly id: string
  readonly finding: Finding
  readonly by: By
  /** Of the agent: evidence is named without it. */
  readonly session: string | null
  readonly counted: boolean
  readonly view: View
}

export function FindingCard({ id, finding, by, session, counted, view }: FindingProps) {
  const { claim, confidence, answer = {}, effect, control, cells, calls = [] } = finding
  return (
    <article class={`finding ${counted ? '' : 'finding-later'}`} id={id} tabIndex={-1}>
      <header class="finding-head">
        <h3 class="finding-title">Finding</h3>
        <span class="quiet">claimed by {nameOf(by)}, checked by nobody else</span>
        <Confidence value={confidence} />
      </header>
      {!counted && <p class="finding-note">Submitted after the first one of this agent: it does not count.</p>}
      <div class="finding-claim prose" dangerouslySetInnerHTML={{ __html: markdownToHtml(claim) }} />
      <dl class="facts">
        {Object.entries(answer).map(([name, value]) => (
          <div key={name}>
            <dt>{showHidden(name)}</dt>
            <dd>{answerText(value)}</dd>
          </div>
        ))}
        {effect && (
          <div>
            <dt>Effect</dt>
            <dd>
              <Effect effect={effect} />
            </dd>
          </div>
        )}
        <div>
          <dt>Control</dt>
          <dd>{control === undefined ? <span class="quiet">none was named</span> : showHidden(control)}</dd>
        </div>
        <div>
          <dt>Evidence</dt>
          <dd class="evidence">
            {cells.length + calls.length === 0 && <span class="quiet">no cell was named</span>}
            {cells.map((cell) => (
              <a class="cell-link" key={cell} href={view.cellHref(session, cell)} data-cell={anchorId(session, cell)}>
                {showHidden(cell)}
              </a>
            ))}
            {calls.length > 0 && <span>the calls {showHidden(calls.join(', '))}</span>}
          </dd>
        </div>
      </dl>
    </article>
  )
}

/** A meter draws itself, without a style attribute. */
function Confidence({ value }: { value: number }) {
  const percent = `${Math.round(value * 100)}%`
  return (
    <span class="confidence">
      <span class="quiet">confidence</span>
      <meter min={0} max={1} value={value} aria-label={`confidence ${percent}`} />
      <strong>{percent}</strong>
    </span>
  )
}

function Effect({ effect: { value, n, interval, unit } }: { effect: NonNullable<Finding['effect']> }) {
  return (
    <span class="effect">
      <strong>{number(value)}</strong> {showHidden(unit)}
      <span class="quiet">
        {interval ? `, 95% interval ${number(interval[0])} to ${number(interval[1])}` : ', no interval'}, n ={' '}
        {number(n)}
      </span>
      {interval && <Interval value={value} interval={interval} />}
    </span>
  )
}

/** An object that is only names and values reads better without its signs. */
function answerText(value: unknown): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return valueText(value)
  const parts = Object.entries(value).map(([name, inner]) => `${showHidden(name)} ${valueText(inner)}`)
  return parts.length === 0 ? 'nothing' : parts.join(', ')
}

function valueText(value: unknown): string {
  if (typeof value === 'number') return number(value)
  if (Array.isArray(value) && value.every((inner) => typeof inner === 'number'))
    return `[${value.map(number).join(', ')}]`
  return showHidden(typeof value === 'string' ? value : JSON.stringify(value))
}
