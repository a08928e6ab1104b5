/** Everything that a cell put out, in its order. */
import { imageMimeOfItem } from './marks.ts'
import type { OutputItem, OutputList } from '../notebook/outputs.ts'
import { plural, size } from './amounts.ts'
import { Display } from './display.tsx'
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
  const draw = (item: OutputItem) => {
    const label = imageMimeOfItem(item) === undefined ? `Output of ${name}` : `Figure ${(figures += 1)} of ${name}`
    return <Item key={item.n} id={`${id}-o${item.n}`} item={item} label={label} view={view} />
  }
  return (
    <div class="outputs">
      {first.map(draw)}
      {cut && (
        <p class="left-out">
          {plural(cut.outputs, 'output')} ({size(cut.bytes)}) left out here; they are in events.jsonl
        </p>
      )}
      {last.map(draw)}
    </div>
  )
}

function Item({ id, item, label, view }: { id: string; item: OutputItem; label: string; view: View }) {
  if (item.kind === 'stream') return <Stream id={id} name={item.name} text={item.text} view={view} />
  if (item.kind === 'error') return <Traceback id={id} error={item.output} view={view} />
  return <Display id={id} data={item.output.data} label={label} view={view} />
}
