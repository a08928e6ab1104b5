/**
 * What a cell put out, as one text that two runs of it can be compared by.
 *
 * stdout and stderr stand apart, since their order between each other is chance. A picture counts by being there, not by its
 * pixels. ANSI colours, what `\r` overwrites, and the addresses of Python's `<… at 0x7f…>` are taken out; nothing else is.
 */
import { createHash, type Hash } from 'node:crypto'
import { SeerError } from '../errors.ts'
import { isBlobRef, type BlobRef } from '../notebook/nbformat.ts'
import { itemsOf, type DataOutput, type OutputItem } from '../notebook/outputs.ts'
import { viewOfStream, type StreamText } from '../notebook/stream-text.ts'
import { stripAnsi } from '../notebook/terminal-text.ts'
import type { RunEvent } from '../run/events.ts'
import { callsFold } from '../run/fold-calls.ts'
import { cellKey, cellsFold, cellsOf, type CellState } from '../run/fold-cells.ts'
import { fold } from '../run/fold.ts'
import { sha256Of, type RecordedCell } from './trajectory.ts'

/** Longer texts keep this much of both ends, and the hash of all. */
const KEPT_EACH_END = 16_384

/**
 * By cell id; functions that were called as tools stand beside them, by the id of the call. Ids are counters within a session, so a log with two
 * sessions is refused.
 */
export function cellsFromEvents(events: readonly RunEvent[]): Record<string, RecordedCell> {
  const cells = cellsOf(fold(cellsFold, events)).filter(({ kind, cell }) => kind === 'code' && cell !== 'outside')
  const sessions = new Set(cells.map(({ session }) => session))
  if (sessions.size > 1)
    throw new SeerError('recording-unsupported', {
      message: `Only the cells of one session can be recorded and compared; this run has ${sessions.size}.`,
    })
  const hashes = streamHashes(events)
  return Object.fromEntries([
    ...cells.map((cell) => {
      const { source, hidden, status } = cell
      return [cell.cell, { code: source, hidden, status, text: textOf(cell, hashes) }] as const
    }),
    ...callsAsTools(events),
  ])
}

/** Where an agent has no cells, these are its evidence. What a cell calls is in what the cell prints. */
function callsAsTools(events: readonly RunEvent[]): [string, RecordedCell][] {
  return Object.values(fold(callsFold, events).calls)
    .filter(({ from }) => from === 'tool')
    .map(({ call, interface: served, function: called, args, status, result, error }) => {
      const code = `${served}.${called}(${args.text})`
      return [call, { code, hidden: false, status, text: result?.text ?? error?.message ?? '' }]
    })
}

function textOf(cell: CellState, hashes: ReadonlyMap<string, string>): string {
  const items = itemsOf(cell.outputs)
  const streamText = (name: 'stdout' | 'stderr') => {
    const key = streamKey({ session: cell.session ?? undefined, cell: cell.cell }, name)
    return items
      .flatMap((item) => (item.kind === 'stream' && item.name === name ? [keptOf(item.text, hashes.get(key))] : []))
      .join('')
  }
  const { cut } = cell.outputs
  const stderr = streamText('stderr')
  const parts = [
    streamText('stdout'),
    ...items.map(shownText),
    cut === null ? '' : `[… ${cut.outputs} outputs left out …]`,
    stderr === '' ? '' : `[stderr]\n${stderr}`,
  ]
  return capped(normalised(parts.filter((part) => part !== '').join('\n')))
}

/** Without what the set-up computes on, which is compared by itself: a patch of Python is no other output. */
export function withoutCompute(text: string): string {
  return text.replace(/^[^\n]*\n\[application\/vnd\.seer\.compute\+json\]$/m, '')
}

function shownText(item: OutputItem): string {
  if (item.kind === 'stream') return ''
  if (item.kind === 'error') return `${item.output.ename}: ${plain(item.output.evalue)}`
  return dataText(item.output)
}

function dataText({ data }: DataOutput): string {
  const text = data['text/plain']
  const others = Object.keys(data).filter((mime) => mime !== 'text/plain')
  const lines =
    text === undefined ? [] : [isBlobRef(text) || typeof text === 'string' ? plain(text) : JSON.stringify(text)]
  return [...lines, ...others.toSorted().map((mime) => `[${mime}]`)].join('\n')
}

function plain(text: string | BlobRef): string {
  if (!isBlobRef(text)) return text
  return `${text.head ?? ''}\n[… of ${text.bytes} bytes, sha256 ${text.blob} …]\n${text.tail ?? ''}`
}

function keptOf(stream: StreamText, hash: string | undefined): string {
  const { head, leftOutBytes, tail } = viewOfStream(stream)
  return leftOutBytes === 0 ? head : `${head}\n[… ${leftOutBytes} bytes left out; sha256 of all ${hash} …]\n${tail}`
}

/** The fold drops the middle of a long stream; its hash still tells whether it was the same. */
function streamHashes(events: readonly RunEvent[]): Map<string, string> {
  const hashes = new Map<string, Hash>()
  for (const event of events) {
    if (event.type !== 'cell-output' || event.output.output_type !== 'stream') continue
    const { name, text } = event.output
    const key = streamKey(event, name)
    const hash = hashes.get(key) ?? createHash('sha256')
    hashes.set(key, hash.update(isBlobRef(text) ? text.blob : text))
  }
  return new Map([...hashes].map(([key, hash]) => [key, hash.digest('hex')]))
}

function streamKey(event: { session?: string | undefined; cell?: string | undefined }, name: string): string {
  return `${cellKey(event)} ${name}`
}

/** Only where Python writes an address. Other hexadecimal numbers may be what the cell is about. */
export function normalised(text: string): string {
  return stripAnsi(text).replaceAll(/\bat 0x[0-9a-fA-F]{6,16}\b/g, 'at 0x…')
}

function capped(text: string): string {
  if (text.length <= 2 * KEPT_EACH_END + 200) return text
  const left = text.length - 2 * KEPT_EACH_END
  return `${text.slice(0, KEPT_EACH_END)}\n[… ${left} characters left out; sha256 of all ${sha256Of(text)} …]\n${text.slice(-KEPT_EACH_END)}`
}
