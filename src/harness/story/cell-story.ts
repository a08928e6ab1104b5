/**
 * A cell as it is told: `c3 ▸` and its code, its output behind `│` (`┊` for stderr), and how it ended.
 *
 *     c3 ▸ print(model.config.hidden_size)
 *        │ 576
 *        └ ok · 0.4 s
 */
import { count } from '../../notebook/output-text.ts'
import type { By, EventOf } from '../../run/events.ts'
import { cellKey } from '../../run/fold-cells.ts'
import { takeWidget, textOfWidget } from '../../run/fold-widgets.ts'
import { duration, plural, size } from '../../amounts.ts'
import { changeWidget, emptyCellOutput, endOutput, takeOutput, type OutputLine } from './cell-output.ts'
import { widthOf } from './columns.ts'
import { showCommand, withHint } from './hint.ts'
import { behind, inline, linesOf } from './look.ts'
import { inBlock, type OpenCell, type StoryState } from './state.ts'

const CODE_LINES = 14
const MAX_ROWS = 3
const MAX_TABLES = 50
const MAX_TEXT_LINES = 40

export function startCell(state: StoryState, event: EventOf<'cell-start'>): string[] {
  const { colors } = state.look
  const cell = openCell(state, event, event.hidden)
  const about = [
    ...(event.hidden ? ['set-up by Seer, not shown to the agent'] : []),
    ...(event.supersedes === undefined ? [] : [`replaces ${inline(event.supersedes, 12)}`]),
    ...(event.replays === undefined ? [] : [`runs ${inline(event.replays, 12)} again`]),
    ...(event.begun ? [`began in the run ${inline(event.begun.run, 80)}`] : []),
    ...(event.hidden ? [] : authorOf(state, event.by)),
  ]
  const heading = about.length > 0 ? [`${colors.bold(cell.id)} ${colors.dim(`· ${about.join(' · ')}`)}`] : []
  if (event.hidden) return inBlock(state, `cell ${cellKey(event)}`, heading)
  const first = heading.length > 0 ? pad(cell) : cell.id
  return inBlock(state, `cell ${cellKey(event)}`, [...heading, ...codeLines(state, cell, first, event.code)])
}

/** Where there is one agent, its own cells go without saying. */
function authorOf({ agents }: StoryState, by: By): string[] {
  if (agents.size === 1 && by === 'researcher') return ['by the researcher']
  return agents.size === 1 && agents.has(by) ? [] : [`by ${inline(by, 40)}`]
}

export function addMarkdown(state: StoryState, event: EventOf<'markdown-add'>): string[] {
  const { colors } = state.look
  const id = inline(event.cell ?? '', 12)
  const about = [
    ...(event.supersedes === undefined ? [] : [`replaces ${inline(event.supersedes, 12)}`]),
    ...authorOf(state, event.by),
  ]
  const place = colors.dim(about.map((text) => ` · ${text}`).join(''))
  const rows = behind(
    state.look,
    `${' '.repeat(widthOf(id))} ${colors.dim('│')} `,
    shorten(linesOf(event.text.trim())),
    { fold: 'words' },
  )
  return inBlock(state, `text ${id} ${event.seq}`, [`${colors.bold(id)} ${colors.dim('¶ text')}${place}`, ...rows])
}

export function arrangeCell(state: StoryState, event: EventOf<'cell-remove' | 'cell-move'>): string[] {
  const place = event.type === 'cell-move' ? event.after : null
  const what =
    event.type === 'cell-remove'
      ? 'was taken out of the notebook'
      : place === null
        ? 'stands first in the notebook now'
        : `stands behind ${inline(place, 12)} now`
  return inBlock(state, 'notes', [`${state.look.colors.dim('·')} ${inline(event.cell ?? '', 12)} ${what}`])
}

export function cellOutput(state: StoryState, event: EventOf<'cell-output'>): string[] {
  const cell = state.cells.get(cellKey(event))
  if (cell)
    return inCell(
      state,
      event,
      cell,
      outputRows(state, cell, takeOutput(cell.output, event.output, Date.parse(event.at), state.readBlob)),
    )
  // After its cell's end: a thread that goes on. Told at once, since no end will come.
  const late: OpenCell = { ...emptyCell(event, false), output: emptyCellOutput({ headLines: 4, tailLines: 2 }) }
  const lines = [...takeOutput(late.output, event.output, 0, state.readBlob), ...endOutput(late.output)]
  return inCell(state, event, late, outputRows(state, late, lines), 'after its end')
}

/** Of all that changes, what stands there at the cell's end is told. */
export function updateWidget(state: StoryState, event: EventOf<'widget-update'>): void {
  for (const id of takeWidget(state.widgets, event)) {
    const text = textOfWidget(state.widgets, event.session, id)
    if (text !== undefined) for (const cell of state.cells.values()) changeWidget(cell.output, id, text)
  }
}

export function endCell(state: StoryState, event: EventOf<'cell-end'>): string[] {
  const { colors } = state.look
  const known = state.cells.get(cellKey(event))
  state.cells.delete(cellKey(event))
  const cell = known ?? emptyCell(event, false)
  const held = endOutput(cell.output)
  const rows = cell.hidden && event.status === 'ok' ? [] : outputRows(state, cell, held)
  const ending = endingOf(event.status, cell.interrupted)
  const facts = [
    duration(event.durationMs),
    ...[...cell.rows].map(([table, n]) => `${plural(n, 'row')} → ${inline(table, 40)}`),
  ]
  const paint = event.status === 'ok' ? colors.green : colors.red
  const saved = cell.saved.map((text) => `${pad(cell)} ${colors.dim('├')} ${text}`)
  return inCell(state, event, cell, [
    ...rows,
    ...saved,
    `${pad(cell)} ${colors.dim('└')} ${paint(ending)} ${colors.dim(`· ${facts.join(' · ')}`)}`,
  ])
}

/** By `system`: what waited for the cell was stopped, by Ctrl-C or by the experiment's code. */
export function interruptCell(state: StoryState, event: EventOf<'cell-interrupt'>): string[] {
  const { yellow } = state.look.colors
  const cell = state.cells.get(cellKey(event))
  const by = event.by.startsWith('agent:') ? inline(event.by.slice('agent:'.length), 30) : 'you'
  if (!cell)
    return inBlock(state, 'notes', [yellow(`! ${inline(event.cell ?? 'the kernel', 12)} interrupted by ${by}`)])
  const text = cell.interrupted ? 'interrupted again, since it went on' : `interrupted by ${by}`
  cell.interrupted = true
  return inCell(state, event, cell, [`${pad(cell)} ${yellow(`├ ${text}`)}`])
}

/** Facts that are told with the cell's end; of a cell that has ended, or none, at once. */
export function noteOnCell(state: StoryState, event: EventOf<'result-record' | 'result-save'>): string[] {
  const cell = state.cells.get(cellKey(event))
  if (event.type === 'result-record') {
    if (cell && cell.rows.size < MAX_TABLES) cell.rows.set(event.table, (cell.rows.get(event.table) ?? 0) + 1)
    return []
  }
  const text = `saved ${inline(event.name, 40)} → results/${inline(event.file, 50)} ${state.look.colors.dim(`· ${inline(event.kind, 20)}, ${size(event.bytes)}`)}`
  if (cell) {
    cell.saved.push(text)
    return []
  }
  return inBlock(state, 'notes', [`${state.look.colors.dim('·')} ${text}`])
}

/** Its cells that run go on without this run. */
export function leaveSession(state: StoryState, event: EventOf<'session-detach'>): string[] {
  const going = event.cells.map((cell) => cellKey({ ...event, cell }))
  return leaveCells(state, 'goes on: its sandbox was let go', going)
}

/** Cells whose end will not be heard of, because the run has ended. */
export function leaveCells(state: StoryState, how = 'had not ended', which = [...state.cells.keys()]): string[] {
  const { colors } = state.look
  return which.flatMap((key) => {
    const cell = state.cells.get(key)
    if (!cell) return []
    state.cells.delete(key)
    const rows = cell.hidden ? [] : outputRows(state, cell, endOutput(cell.output))
    return inBlock(
      state,
      `cell ${key}`,
      [...rows, `${pad(cell)} ${colors.dim('└')} ${colors.yellow(how)}`],
      [goesOn(state, cell)],
    )
  })
}

function openCell(state: StoryState, event: EventOf<'cell-start'>, hidden: boolean): OpenCell {
  const limits = hidden ? { headLines: 0, tailLines: 20 } : { live: state.live, at: Date.parse(event.at) }
  const cell = { ...emptyCell(event, hidden), output: emptyCellOutput(limits) }
  state.cells.set(cellKey(event), cell)
  return cell
}

function emptyCell(event: { cell?: string | undefined; run: string }, hidden: boolean): OpenCell {
  return {
    id: inline(event.cell ?? 'outside', 12),
    run: event.run,
    hidden,
    output: emptyCellOutput(),
    rows: new Map(),
    saved: [],
    interrupted: false,
  }
}

function inCell(
  state: StoryState,
  event: { session?: string | undefined; cell?: string | undefined },
  cell: OpenCell,
  rows: string[],
  why = 'goes on',
): string[] {
  return rows.length === 0 ? [] : inBlock(state, `cell ${cellKey(event)}`, rows, [goesOn(state, cell, why)])
}

function goesOn(state: StoryState, cell: OpenCell, why = 'goes on'): string {
  return `${state.look.colors.bold(cell.id)} ${state.look.colors.dim(`· ${why}`)}`
}

function codeLines(state: StoryState, cell: OpenCell, first: string, code: string): string[] {
  const { colors } = state.look
  const lines = linesOf(code.replace(/\n+$/, ''))
  const shown = lines.length <= CODE_LINES + 2 ? lines : lines.slice(0, CODE_LINES)
  const mark = colors.cyan('▸')
  const rows = behind(state.look, `${pad(cell)} ${mark} `, shown, {
    fold: 'anywhere',
    maxRows: MAX_ROWS,
    paint: colors.dim,
    onward: `${pad(cell)} ${colors.dim('⋅')} `,
  })
  const left = lines.length - shown.length
  // The id stands in place of the first line's padding.
  const named = [colors.bold(first) + rows[0]!.slice(pad(cell).length), ...rows.slice(1)]
  return left > 0
    ? [...named, ...more(state, cell, `⋮ ${plural(left, 'more line', 'more lines')} of code`, ['--cell', cell.id])]
    : named
}

function outputRows(state: StoryState, cell: OpenCell, lines: OutputLine[]): string[] {
  const { colors } = state.look
  return lines.flatMap(({ kind, text }) => {
    if (kind === 'about') {
      const files = cell.output.files.bytes > 0 ? `, ${size(cell.output.files.bytes)} of it in files of artifacts/` : ''
      return more(state, cell, `⋮ ${plural(Number(text), 'line')} not shown${files}`, ['--output', cell.id])
    }
    const mark = kind === 'err' ? colors.yellow('┊') : kind === 'error' ? colors.red('│') : colors.dim('│')
    const paint = kind === 'error' ? { paint: colors.red } : {}
    return behind(state.look, `${pad(cell)} ${mark} `, [text], { fold: 'anywhere', maxRows: MAX_ROWS, ...paint })
  })
}

function more(state: StoryState, cell: OpenCell, text: string, args: string[]): string[] {
  const { look, folder } = state
  return withHint(look, `${pad(cell)} `, text, showCommand(cell.run, folder, args)).map(look.colors.dim)
}

function shorten(lines: string[]): string[] {
  return lines.length <= MAX_TEXT_LINES + 2
    ? lines
    : [...lines.slice(0, MAX_TEXT_LINES), `… ${count(lines.length - MAX_TEXT_LINES)} more lines`]
}

function pad(cell: OpenCell): string {
  return ' '.repeat(widthOf(cell.id))
}

function endingOf(status: EventOf<'cell-end'>['status'], interrupted: boolean): string {
  if (status === 'ok') return 'ok'
  if (status === 'error') return interrupted ? 'interrupted' : 'error'
  if (status === 'aborted') return 'not run, because a cell before it failed or was interrupted'
  if (status === 'stopped') return 'stopped: Seer ended the kernel while it ran'
  return status === 'died'
    ? 'the kernel died while it ran; all variables are lost'
    : 'its end is unknown: the connection was lost'
}
