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

/** `n` numbers the outputs of a cell as they begin, and is never given twice. `chars` is what one holds in memory. */
export type OutputItem =
  | { kind: 'stream'; n: number; name: 'stdout' | 'stderr'; text: StreamText }
  | { kind: 'data'; n: number; chars: number; output: DataOutput }
  | { kind: 'error'; n: number; chars: number; output: OutputOf<'error'> }

export interface OutputList {
  first: OutputItem[]
  /** What was dropped between `first` and `last`, when there was too much. */
  cut: { outputs: number; bytes: number } | null
  last: OutputItem[]
  /** After `clear_output(wait=True)`: the next output clears. */
  clearNext: boolean
  next: number
}

/** More than these and the middle is dropped, so that 20,000 displays cost no more than 500. */
export const MAX_FIRST = { items: 400, chars: 32 * 1024 * 1024 }
export const MAX_LAST = { items: 100, chars: 16 * 1024 * 1024 }

export function emptyOutputs(): OutputList {
  return { first: [], cut: null, last: [], clearNext: false, next: 0 }
}

export function outputsOf(messages: Iterable<Output>): OutputList {
  const list = emptyOutputs()
  for (const message of messages) addOutput(list, message)
  return list
}

export function itemsOf(list: OutputList): OutputItem[] {
  return [...list.first, ...list.last]
}

export function addOutput(list: OutputList, output: Output, capture?: StreamCapture): void {
  if (output.output_type === 'update_display_data') {
    updateDisplay(list, output)
    return
  }
  if (output.output_type === 'clear_output') {
    if (output.wait) list.clearNext = true
    else clear(list)
    return
  }
  if (list.clearNext) clear(list)
  if (output.output_type === 'stream') {
    const item = openStream(list, output.name)
    appendToStream(item.text, output.text, capture?.n === item.n ? capture : undefined)
  } else if (output.output_type === 'error') {
    push(list, { kind: 'error', n: list.next++, chars: sizeOfOutput(output), output })
  } else {
    push(list, { kind: 'data', n: list.next++, chars: sizeOfOutput(output), output })
  }
}

/** Changes every display of that id; says whether there was one. */
export function updateDisplay(list: OutputList, update: OutputOf<'update_display_data'>): boolean {
  let found = false
  for (const item of itemsOf(list)) {
    if (item.kind !== 'data' || item.output.display_id !== update.display_id) continue
    item.output = { ...item.output, data: update.data, metadata: update.metadata }
    item.chars = sizeOfOutput(item.output)
    found = true
  }
  return found
}

function clear(list: OutputList): void {
  Object.assign(list, { first: [], cut: null, last: [], clearNext: false })
}

function openStream(list: OutputList, name: 'stdout' | 'stderr'): Extract<OutputItem, { kind: 'stream' }> {
  const open = list.last.at(-1) ?? (list.cut ? undefined : list.first.at(-1))
  if (open?.kind === 'stream' && open.name === name) return open
  const item = { kind: 'stream' as const, n: list.next++, name, text: emptyStream() }
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
