/**
 * The output of one cell, as much of it as a person wants to see go by: its first lines as they come, its last lines at its
 * end, and between them how many were left out. Bounded, whatever the cell puts out.
 */
import { isBlobRef, type Output } from '../../notebook/nbformat.ts'
import { rasterMimeOf } from '../../notebook/mime.ts'
import { widgetOf } from '../../notebook/widget-text.ts'
import type { ReadBlob } from '../../notebook/stream-text.ts'
import { writeToTerminal, type TerminalLine } from '../../notebook/terminal-text.ts'
import { linesOfDisplay, linesOfError } from './display-text.ts'
import { linesOf } from './look.ts'

/** `about`: said by Seer of the output, and not part of it. */
export type LineKind = 'out' | 'err' | 'error' | 'about'
export interface OutputLine {
  readonly kind: LineKind
  readonly text: string
}

export interface CellOutput {
  readonly headLines: number
  readonly tailLines: number
  shown: number
  held: OutputLine[]
  leftOut: number
  /** Parts of streams that are files. */
  files: { parts: number; bytes: number }
  streams: Record<'stdout' | 'stderr', TerminalLine>
  clearNext: boolean
  /** What stands in displays that the code may change, and which were changed since they were printed. */
  displays: Map<string, { text: string; changed: string[] | null }>
  /** For a cell that takes long: when to let one of the held lines be seen. */
  peek: { at: number; everyMs: number } | null
}

const HEAD_LINES = 14
const TAIL_LINES = 6
const FIGURES_MORE = 6
const MAX_DISPLAYS = 50
const FIRST_PEEK_MS = 10_000

export function emptyCellOutput(
  options: { headLines?: number; tailLines?: number; live?: boolean; at?: number } = {},
): CellOutput {
  const { headLines = HEAD_LINES, tailLines = TAIL_LINES, live = false, at = 0 } = options
  return {
    headLines,
    tailLines,
    shown: 0,
    held: [],
    leftOut: 0,
    files: { parts: 0, bytes: 0 },
    streams: { stdout: { line: '', column: null }, stderr: { line: '', column: null } },
    clearNext: false,
    displays: new Map(),
    peek: live ? { at: at + FIRST_PEEK_MS, everyMs: FIRST_PEEK_MS } : null,
  }
}

/** Takes an output in; returns the lines that are to be printed now. */
export function takeOutput(cell: CellOutput, output: Output, at: number, readBlob?: ReadBlob): OutputLine[] {
  if (output.output_type === 'clear_output') {
    if (output.wait) cell.clearNext = true
    else clear(cell)
    return []
  }
  if (output.output_type === 'update_display_data') {
    change(cell, output.display_id, linesOfDisplay({ ...output, output_type: 'display_data' }, readBlob))
    return []
  }
  if (cell.clearNext) clear(cell)
  if (output.output_type === 'stream') return [...takeStream(cell, output), ...peek(cell, at)]
  const open = closeLines(cell)
  if (output.output_type === 'error') {
    const error = linesOfError(output).map((text) => ({ kind: 'error', text }) as const)
    return [...open, ...letGo(cell), ...error]
  }
  const widget = widgetOf(output.data)
  if (widget !== undefined && cell.displays.size < MAX_DISPLAYS) {
    // What it says first is of no interest: it is told by its last state.
    cell.displays.set(widgetId(widget), { text: '', changed: null })
    return open
  }
  const lines = linesOfDisplay(output, readBlob)
  if (output.display_id !== undefined && cell.displays.size < MAX_DISPLAYS) {
    cell.displays.set(output.display_id, { text: lines.join('\n'), changed: null })
  }
  return [...open, ...push(cell, 'out', lines, rasterMimeOf(output.data) !== undefined)]
}

/** A widget looks different now. */
export function changeWidget(cell: CellOutput, id: string, text: string): void {
  change(cell, widgetId(id), linesOf(text))
}

/** Not the id of a display: code chooses those. */
const widgetId = (id: string): string => `widget\n${id}`

/** The lines that were kept back for the end. */
export function endOutput(cell: CellOutput): OutputLine[] {
  const open = closeLines(cell)
  const changed = [...cell.displays.values()].flatMap((display) => display.changed ?? [])
  return [...open, ...push(cell, 'out', changed), ...letGo(cell)]
}

/** What is held, after a count of what is not. */
function letGo(cell: CellOutput): OutputLine[] {
  const { held, leftOut } = cell
  Object.assign(cell, { held: [], leftOut: 0, shown: cell.headLines })
  return leftOut > 0 ? [{ kind: 'about', text: String(leftOut) }, ...held] : held
}

/** A figure is one line that is worth more than the others: a few of them are shown also after a long text. */
function push(cell: CellOutput, kind: LineKind, lines: readonly string[], isFigure = false): OutputLine[] {
  const room = Math.max(0, cell.headLines + (isFigure && cell.held.length === 0 ? FIGURES_MORE : 0) - cell.shown)
  const now = lines.slice(0, room).map((text) => ({ kind, text }))
  cell.shown += now.length
  for (const text of lines.slice(Math.max(now.length, lines.length - cell.tailLines))) cell.held.push({ kind, text })
  cell.leftOut += Math.max(0, lines.length - cell.tailLines - now.length)
  while (cell.held.length > cell.tailLines) {
    cell.held.shift()
    cell.leftOut += 1
  }
  return now
}

function takeStream(cell: CellOutput, output: Extract<Output, { output_type: 'stream' }>): OutputLine[] {
  const kind = output.name === 'stderr' ? 'err' : 'out'
  const other = output.name === 'stderr' ? 'stdout' : 'stderr'
  const before = cell.streams[other].line === '' ? [] : closeLine(cell, other)
  if (isBlobRef(output.text)) {
    const { head = '', tail = '', bytes } = output.text
    cell.files = { parts: cell.files.parts + 1, bytes: cell.files.bytes + bytes }
    return [
      ...before,
      ...closeLine(cell, output.name),
      ...push(cell, kind, wholeLines(head)),
      ...push(cell, kind, wholeLines(tail)),
    ]
  }
  const settled: string[] = []
  writeToTerminal(cell.streams[output.name], output.text, (text) => settled.push(text))
  return settled.length === 0 ? before : [...before, ...push(cell, kind, wholeLines(settled.join('')))]
}

function wholeLines(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  // Only what may be printed is worth the work.
  const first = HEAD_LINES
  const last = Math.max(first, lines.length - 2 * HEAD_LINES)
  return lines.map((line, index) => (index < first || index >= last ? linesOf(line.slice(0, 20_000))[0]! : ''))
}

function closeLines(cell: CellOutput): OutputLine[] {
  return [...closeLine(cell, 'stdout'), ...closeLine(cell, 'stderr')]
}

function closeLine(cell: CellOutput, name: 'stdout' | 'stderr'): OutputLine[] {
  const { line } = cell.streams[name]
  cell.streams[name] = { line: '', column: null }
  return line === '' ? [] : push(cell, name === 'stderr' ? 'err' : 'out', wholeLines(line))
}

function clear(cell: CellOutput): void {
  cell.leftOut += cell.held.length
  Object.assign(cell, { held: [], clearNext: false, displays: new Map() })
  for (const name of ['stdout', 'stderr'] as const) cell.streams[name] = { line: '', column: null }
}

function change(cell: CellOutput, id: string, lines: string[]): void {
  const display = cell.displays.get(id)
  if (display) display.changed = lines.join('\n') === display.text ? null : lines
}

/** Now and then, and less and less often, the newest line: a long cell is seen to go on. */
function peek(cell: CellOutput, at: number): OutputLine[] {
  if (!cell.peek || at < cell.peek.at || cell.held.length === 0) return []
  const newest = cell.held.at(-1)!
  const skipped = cell.leftOut + cell.held.length - 1
  const everyMs = cell.peek.everyMs * 2
  cell.peek = { at: at + everyMs, everyMs }
  Object.assign(cell, { held: [], leftOut: 0 })
  return skipped > 0 ? [{ kind: 'about', text: String(skipped) }, newest] : [newest]
}
