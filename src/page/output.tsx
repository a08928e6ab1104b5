/** Everything that a cell put out, in its order. */
import type { ComponentChildren } from 'preact'
import { neutralise } from '../notebook/terminal-text.ts'
import { imageMimeOfItem } from './marks.ts'
import type { OutputItem, OutputList } from '../notebook/outputs.ts'
import { plural, size } from '../amounts.ts'
import { Display } from './display.tsx'
import { recordedRow, type Row } from './recorded-row.tsx'
import { RecordedRows } from './recorded-rows.tsx'
import { Stream } from './stream.tsx'
import { Traceback } from './traceback.tsx'
import type { View } from './view.ts'

export interface OutputProps {
  /** Of the cell: the ids of its parts begin with it. */
  readonly id: string
  /** What the cell is called. */
  readonly name: string
  readonly outputs: OutputList
  readonly view: View
}

export function Output({ id, name, outputs: { first, cut, last }, view }: OutputProps) {
  if (first.length === 0 && last.length === 0) return null
  let figures = 0
  const firstLate = [...first, ...last].find((item) => item.late)
  const draw = (group: readonly OutputItem[]) => {
    const item = group[0]!
    if (group.length > 1) {
      const rows = group.flatMap((each) => rowOf(each) ?? [])
      return marked(item, <RecordedRows key={item.n} id={`${id}-o${item.n}`} rows={rows} view={view} />)
    }
    const label = imageMimeOfItem(item) === undefined ? `Output of ${name}` : `Figure ${(figures += 1)} of ${name}`
    return marked(item, <Item key={item.n} id={`${id}-o${item.n}`} item={item} label={label} view={view} />)
  }
  const marked = (item: OutputItem, drawn: ComponentChildren) =>
    item === firstLate ? [<p class="output-label late">after the cell’s end</p>, drawn] : drawn
  return (
    <div class="outputs">
      {grouped(first).map(draw)}
      {cut && (
        <p class="left-out">
          {plural(cut.outputs, 'output')} ({size(cut.bytes)}) left out here; they are in events.jsonl
        </p>
      )}
      {grouped(last).map(draw)}
    </div>
  )
}

/** Rows of one table that come one after the other belong together. */
function grouped(items: readonly OutputItem[]): OutputItem[][] {
  const groups: OutputItem[][] = []
  for (const item of items) {
    const group = groups.at(-1)
    const table = rowOf(item)?.table
    if (group && table !== undefined && isOf(table, group[0]!, item)) group.push(item)
    else groups.push([item])
  }
  return groups
}

/** Drawing a widget would be running code: its last state is told. */
function WidgetText({ text }: { text: string }) {
  return (
    <div class="display-text widget">
      <span class="output-label">widget</span>
      <pre class="stream-text">{neutralise(text)}</pre>
    </div>
  )
}

function isOf(table: string, before: OutputItem, item: OutputItem): boolean {
  return rowOf(before)?.table === table && before.late === item.late
}

function rowOf(item: OutputItem): Row | undefined {
  return item.kind === 'data' ? recordedRow(item.output.data) : undefined
}

function Item({ id, item, label, view }: { id: string; item: OutputItem; label: string; view: View }) {
  if (item.kind === 'stream') return <Stream id={id} name={item.name} text={item.text} view={view} />
  if (item.kind === 'error') return <Traceback id={id} error={item.output} view={view} />
  if (item.widget !== undefined) return <WidgetText text={item.widget} />
  return <Display id={id} data={item.output.data} label={label} view={view} />
}
