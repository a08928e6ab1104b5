/** Do the cells put out what they once did? Texts, and what else is shown, to the number; pictures by hash and size. */
import { createHash } from 'node:crypto'
import { cellsFromEvents } from '../../harness/cell-text.ts'
import { compareCells, DEFAULT_RTOL } from '../../harness/drift.ts'
import { hidePlaces, placesOf } from '../../harness/hide-places.ts'
import type { RecordedCell } from '../../harness/trajectory.ts'
import { isBlobRef } from '../../notebook/nbformat.ts'
import { count, imagesOf } from '../../notebook/output-text.ts'
import { itemsOf } from '../../notebook/outputs.ts'
import type { Drift, RunEvent } from '../../run/events.ts'
import { cellKey, cellsFold, type CellState } from '../../run/fold-cells.ts'
import { fold } from '../../run/fold.ts'
import { compareValues, DRAWING, shownValues, textBytes } from './shown-values.ts'

/** How a cell of the run is called in the replay. */
export interface Pair {
  readonly cell: string
  readonly fresh: string | undefined
  /** Why it has none. */
  readonly why?: string
}

export interface Compared extends Drift {
  /** Bytes of text that it put out, then and now. */
  readonly bytes: readonly [then: number, now: number | null]
}

export interface Side {
  readonly events: readonly RunEvent[]
  readonly session: string
}

export function compareSession(then: Side, now: Side, pairs: readonly Pair[], rtol = DEFAULT_RTOL): Compared[] {
  const [before, after] = [sideOf(then), sideOf(now)]
  return pairs.map(({ cell, fresh, why }) => {
    const recorded = before.texts[cell]
    const found = fresh === undefined ? undefined : after.texts[fresh]
    const bytes = [before.bytesOf(cell), found ? after.bytesOf(fresh!) : null] as const
    if (!recorded || !found) {
      const detail = why ?? 'was not run again'
      return { cell, verdict: 'missing', largestRelative: null, detail, bytes }
    }
    const [drift] = compareCells({ [cell]: recorded }, { [cell]: found }, { rtol })
    const text = { ...drift!, bytes }
    if (text.verdict === 'differs' || text.verdict === 'missing') return text
    const values = compareValues(before.valuesOf(cell), after.valuesOf(fresh!), rtol)
    if (values.verdict === 'differs') return { ...text, ...values }
    const pictures = picturesDetail(before.picturesOf(cell), after.picturesOf(fresh!))
    if (pictures !== undefined) return { ...text, verdict: 'differs', detail: pictures }
    if (values.verdict === 'exact') return text
    const largestRelative = Math.max(text.largestRelative ?? 0, values.largestRelative ?? 0)
    return { ...text, verdict: values.verdict, largestRelative }
  })
}

function sideOf({ events, session }: Side) {
  // Folders of the run and of this machine are no difference.
  const own = events.filter((event) => event.session === session)
  const texts: Readonly<Record<string, RecordedCell>> = hidePlaces(cellsFromEvents(own), placesOf(events))
  const { cells } = fold(cellsFold, own)
  const stateOf = (cell: string): CellState | undefined => cells[cellKey({ session, cell })]
  const valuesOf = (cell: string) => {
    const state = stateOf(cell)
    return state ? hidePlaces(shownValues(state.outputs), placesOf(events)) : []
  }
  const bytesOf = (cell: string) => textBytes(stateOf(cell)?.outputs)
  return { texts, bytesOf, valuesOf, picturesOf: (cell: string) => picturesOf(stateOf(cell)) }
}

interface Picture {
  readonly mime: string
  readonly sha256: string
  readonly bytes: number
}

function picturesOf(cell: CellState | undefined): Picture[] {
  if (!cell) return []
  const drawn = itemsOf(cell.outputs).flatMap((item) => {
    const svg = item.kind === 'data' ? item.output.data[DRAWING] : undefined
    if (isBlobRef(svg)) return [{ mime: DRAWING, sha256: svg.blob, bytes: svg.bytes }]
    return typeof svg === 'string' ? [pictureOf(DRAWING, Buffer.from(svg))] : []
  })
  const pixels = imagesOf(cell.outputs).map(({ mime, value }) =>
    typeof value === 'string'
      ? pictureOf(mime, Buffer.from(value, 'base64'))
      : { mime, sha256: value.blob, bytes: value.bytes },
  )
  return [...pixels, ...drawn]
}

function pictureOf(mime: string, bytes: Buffer): Picture {
  return { mime, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }
}

function picturesDetail(then: readonly Picture[], now: readonly Picture[]): string | undefined {
  if (then.length !== now.length) return `${then.length} pictures → ${now.length}`
  const at = then.findIndex(({ sha256 }, i) => sha256 !== now[i]!.sha256)
  if (at < 0) return undefined
  const [one, other] = [then[at]!, now[at]!]
  return `picture ${at + 1} of ${then.length} (${one.mime}): ${count(one.bytes)} bytes → ${count(other.bytes)} bytes, other content`
}
