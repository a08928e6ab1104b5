/**
 * The outputs of one cell, as a notebook shows them, out of the messages in which they came: writes to the same stream are
 * one, `clear_output` clears, `update_display_data` changes what stands. Bounded, and plain data: `addOutput` changes the list.
 */
import { byteLength } from './byte-length.ts'
import { blobOf } from './mime.ts'
import { isBlobRef, type Output } from './nbformat.ts'
import { appendToStream, emptyStream, sizeOfStream, type StreamCapture, type StreamText } from './stream-text.ts'

type OutputOf<T extends Output['output_type']> = Extract<Output, { output_type: T }>
export type DataOutput = OutputOf<'display_data'> | OutputOf<'execute_result'>

/**
 * `n` numbers the outputs of a cell as they begin, and is never given twice. `chars` is what one holds in memory. `late`: it came
 * after the cell's end, from a thread that went on. `into`: the Output widget that has captured it. `widget`: what the widget that
 * it shows said last.
 */
export type OutputItem = { n: number; late?: true; into?: string } & (
  | { kind: 'stream'; name: 'stdout' | 'stderr'; text: StreamText }
  | { kind: 'data'; chars: number; output: DataOutput; widget?: string }
  | { kind: 'error'; chars: number; output: OutputOf<'error'> }
)

export interface OutputList {
  first: OutputItem[]
  /** What was dropped between `first` and `last`, when there was too much. */
  cut: { outputs: number; bytes: number } | null
  last: OutputItem[]
  /** After `clear_output(wait=True)`: the next output in one of these scopes clears what is in it. */
  clearNext: string[]
  next: number
}

/** More than these and the middle is dropped, so that 20,000 displays cost no more than 500. */
export const MAX_FIRST = { items: 400, chars: 32 * 1024 * 1024 }
const MAX_SCOPES = 100
export const MAX_LAST = { items: 100, chars: 16 * 1024 * 1024 }

export function emptyOutputs(): OutputList {
  return { first: [], cut: null, last: [], clearNext: [], next: 0 }
}

export function outputsOf(messages: Iterable<Output>): OutputList {
  const list = emptyOutputs()
  for (const message of messages) addOutput(list, message)
  return list
}

export function itemsOf(list: OutputList): OutputItem[] {
  return [...list.first, ...list.last]
}

export interface AddOptions {
  /** It came after the cell's end: it is put behind what stands there, and never changes or clears that. */
  readonly late?: boolean | undefined
  /** The Output widget that has captured it: what clears it clears only that widget's. */
  readonly into?: string | undefined
  readonly capture?: StreamCapture | undefined
}

type Marks = Pick<OutputItem, 'late' | 'into'>

export function addOutput(list: OutputList, output: Output, { late = false, into, capture }: AddOptions = {}): void {
  const marks: Marks = { ...(late ? { late } : {}), ...(into === undefined ? {} : { into }) }
  const scope = scopeOf(marks)
  if (output.output_type === 'update_display_data') {
    if (updateDisplay(list, output, late) || !late) return
    const { data, metadata, display_id } = output
    addOutput(list, { output_type: 'display_data', data, metadata, display_id }, { late, into })
    return
  }
  if (output.output_type === 'clear_output') {
    if (!output.wait) clear(list, scope)
    else if (!list.clearNext.includes(scope) && list.clearNext.length < MAX_SCOPES) list.clearNext.push(scope)
    return
  }
  if (list.clearNext.includes(scope)) clear(list, scope)
  if (output.output_type === 'stream') {
    const item = openStream(list, output.name, marks)
    appendToStream(item.text, output.text, capture?.n === item.n ? capture : undefined)
  } else if (output.output_type === 'error') {
    push(list, { kind: 'error', n: list.next++, ...marks, chars: sizeOfOutput(output), output })
  } else {
    push(list, { kind: 'data', n: list.next++, ...marks, chars: sizeOfOutput(output), output })
  }
}

/** Changes every display of that id, or only those that came late; says whether there was one. */
export function updateDisplay(list: OutputList, update: OutputOf<'update_display_data'>, onlyLate = false): boolean {
  let found = false
  for (const item of itemsOf(list)) {
    if (item.kind !== 'data' || item.output.display_id !== update.display_id || (onlyLate && !item.late)) continue
    item.output = { ...item.output, data: update.data, metadata: update.metadata }
    item.chars = sizeOfOutput(item.output)
    delete item.widget
    found = true
  }
  return found
}

/** What is cleared together: all of the cell, what came after its end, what is in one widget. */
function scopeOf({ late, into }: Marks): string {
  if (late) return 'late'
  return into === undefined ? 'cell' : `widget ${into}`
}

function clear(list: OutputList, scope: string): void {
  list.clearNext = scope === 'cell' ? [] : list.clearNext.filter((other) => other !== scope)
  const kept = (items: readonly OutputItem[]) =>
    scope === 'cell' ? [] : items.filter((item) => scopeOf(item) !== scope)
  Object.assign(list, { first: kept(list.first), last: kept(list.last) })
  if (scope === 'cell') list.cut = null
}

function openStream(
  list: OutputList,
  name: 'stdout' | 'stderr',
  marks: Marks,
): Extract<OutputItem, { kind: 'stream' }> {
  const open = list.last.at(-1) ?? (list.cut ? undefined : list.first.at(-1))
  if (open?.kind === 'stream' && open.name === name && scopeOf(open) === scopeOf(marks)) return open
  const item = { kind: 'stream' as const, n: list.next++, ...marks, name, text: emptyStream() }
  push(list, item)
  return item
}

function push(list: OutputList, item: OutputItem): void {
  const fits = list.first.length < MAX_FIRST.items && sizeOf([...list.first, item]) <= MAX_FIRST.chars
  if (fits && list.last.length === 0 && !list.cut) {
    list.first.push(item)
    return
  }
  list.last.push(item)
  while (list.last.length > MAX_LAST.items || (list.last.length > 1 && sizeOf(list.last) > MAX_LAST.chars)) {
    const dropped = list.last.shift()!
    const { outputs, bytes } = list.cut ?? { outputs: 0, bytes: 0 }
    list.cut = { outputs: outputs + 1, bytes: bytes + bytesOf(dropped) }
  }
}

function sizeOf(items: OutputItem[]): number {
  let chars = 0
  for (const item of items) chars += item.kind === 'stream' ? sizeOfStream(item.text) : item.chars
  return chars
}

function sizeOfOutput(output: DataOutput | OutputOf<'error'>): number {
  if (output.output_type === 'error') {
    const { evalue, traceback } = output
    const lines = isBlobRef(traceback) ? [] : traceback
    return lines.reduce((sum, line) => sum + line.length, typeof evalue === 'string' ? evalue.length : 0)
  }
  let chars = 0
  for (const value of Object.values(output.data)) {
    if (typeof value === 'string') chars += value.length
    else if (!blobOf(value)) chars += JSON.stringify(value).length
  }
  return chars
}

function bytesOf(item: OutputItem): number {
  if (item.kind === 'stream') return item.text.settledBytes + byteLength(item.text.line)
  return byteLength(JSON.stringify(item.output))
}
