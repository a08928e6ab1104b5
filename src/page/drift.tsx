/** How far the fresh numbers of a played recording agree with the recorded ones. */
import { neutralise } from '../notebook/terminal-text.ts'
import type { Compute, Drift, EventOf } from '../run/events.ts'
import { plural } from '../amounts.ts'
import { Disclosure } from './disclosure.tsx'
import type { View } from './view.ts'

const WORDS = { exact: 'exact', 'within-tolerance': 'within tolerance', differs: 'differs', missing: 'missing' }
const TONES = { exact: 'ok', 'within-tolerance': 'ok', differs: 'error', missing: 'error' }
const FEW_ROWS = 12
const MAX_ROWS = 200

export interface DriftProps {
  readonly report: Pick<EventOf<'drift-report'>, 'recorded' | 'fresh' | 'rtol' | 'cells'>
  readonly view: View
}

export function DriftCard({ report: { recorded, fresh, rtol, cells }, view }: DriftProps) {
  const notExact = cells.filter(({ verdict }) => verdict !== 'exact')
  const then = computeText(recorded)
  const now = computeText(fresh)
  return (
    <section class="card drift" aria-label="Drift">
      <header class="card-head">
        <h3>Recorded against fresh output</h3>
        <span class="quiet">
          {plural(cells.length, 'output')}, relative tolerance {rtol.toExponential(0)}
        </span>
      </header>
      <p class="drift-counts">
        {(Object.keys(WORDS) as Drift['verdict'][]).map((verdict) => {
          const n = cells.filter((cell) => cell.verdict === verdict).length
          return n === 0 ? null : (
            <span key={verdict} class={`tone-${TONES[verdict]}`}>
              <strong>{n}</strong> {WORDS[verdict]}
            </span>
          )
        })}
        {cells.length === 0 && <span class="quiet">no output to compare</span>}
      </p>
      {notExact.length > 0 && (
        <Disclosure id="drift" view={view} open={notExact.length <= FEW_ROWS} summary="Those that are not exact">
          {() => <NotExact cells={notExact} />}
        </Disclosure>
      )}
      <p class="quiet">{then === now ? `Both on ${now}` : `Recorded on ${then}; fresh on ${now}`}</p>
    </section>
  )
}

function NotExact({ cells }: { cells: readonly Drift[] }) {
  return (
    <div class="table" tabIndex={0} role="group" aria-label="Outputs that are not exact">
      <table>
        <thead>
          <tr>
            <th scope="col">Cell or call</th>
            <th scope="col">Verdict</th>
            <th scope="col">Largest difference</th>
            <th scope="col">Detail</th>
          </tr>
        </thead>
        <tbody>
          {cells.slice(0, MAX_ROWS).map(({ cell, verdict, largestRelative, detail }) => (
            <tr key={cell}>
              <td>{neutralise(cell)}</td>
              <td class={`tone-${TONES[verdict]}`}>{WORDS[verdict]}</td>
              <td>{largestRelative === null ? '' : largestRelative.toExponential(1)}</td>
              <td>{detail === undefined ? '' : neutralise(detail).slice(0, 300)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {cells.length > MAX_ROWS && <p class="left-out">and {cells.length - MAX_ROWS} more</p>}
    </div>
  )
}

/** What numbers may depend on. */
export function computeText({ python, torch, isa, threads, device }: Compute): string {
  const facts = [
    torch === null ? '' : `torch ${torch}`,
    isa,
    threads === null ? '' : plural(threads, 'thread'),
    `Python ${python}`,
    device,
  ]
  return neutralise(facts.filter(Boolean).join(', '))
}
