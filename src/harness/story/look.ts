/** The terminal as the story is made for it: its width, and colours or none. */
import pc from 'picocolors'
import { count } from '../../notebook/output-text.ts'
import { neutralise, stripAnsi } from '../../notebook/terminal-text.ts'
import { breakHard, breakWords, clip, widthOf } from './columns.ts'

export interface Look {
  readonly width: number
  readonly colors: ReturnType<typeof pc.createColors>
}

export interface TerminalLike {
  readonly isTTY?: boolean
  readonly columns?: number
}

const WIDTH_WITHOUT_TERMINAL = 100
const MIN_WIDTH = 24
/** Longer lines are hard to read. */
const MAX_WIDTH = 140

/** The width is asked for anew each time: windows are resized while an agent works. */
export function lookOf(
  out: TerminalLike,
  options: { color?: boolean | undefined; env?: NodeJS.ProcessEnv } = {},
): Look {
  const colors = pc.createColors(options.color ?? wantsColor(out, options.env ?? process.env))
  return {
    colors,
    get width() {
      return Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, out.columns || WIDTH_WITHOUT_TERMINAL))
    },
  }
}

function wantsColor(out: TerminalLike, env: NodeJS.ProcessEnv): boolean {
  if (env['NO_COLOR']) return false
  if (env['FORCE_COLOR']) return env['FORCE_COLOR'] !== '0'
  return out.isTTY === true && env['TERM'] !== 'dumb'
}

/** A text of others within a line of ours: one line, nothing in it acts, at most so many columns. */
export function inline(text: string, columns = 60): string {
  return clip(
    neutralise(text.slice(0, columns * 4))
      .replace(/\s+/g, ' ')
      .trim(),
    columns,
  )
}

/** A text of others, as lines in which nothing acts. They are only printed {@link behind} a gutter. */
export function linesOf(text: string): string[] {
  return neutralise(text.replaceAll('\r\n', '\n')).split('\n').map(withoutTabs)
}

export interface BehindOptions {
  readonly fold: 'words' | 'anywhere'
  /** Terminal lines for one line of text; a longer one is cut, and says so. */
  readonly maxRows?: number
  readonly paint?: (text: string) => string
  /** As wide as the gutter: stands before what goes on from the row above. */
  readonly onward?: string
}

/** Each line behind the gutter, also where a long one goes on: so nothing in them can pass for a line of Seer's. */
export function behind(look: Look, gutter: string, lines: readonly string[], options: BehindOptions): string[] {
  const { fold, maxRows = 60, paint = (text) => text, onward = gutter } = options
  const columns = Math.max(8, look.width - widthOf(stripAnsi(gutter)))
  return lines.flatMap((line) => {
    const kept = line.slice(0, columns * maxRows)
    const rows = fold === 'words' ? breakWords(kept, columns) : breakHard(kept, columns)
    const shown = rows.slice(0, maxRows).map((row, index) => {
      const before = index === 0 ? gutter : onward
      return row === '' ? before.trimEnd() : before + paint(row)
    })
    if (rows.length <= maxRows && kept.length === line.length) return shown
    return [...shown, onward + clip(`… a line of ${count(line.length)} characters, cut here`, columns)]
  })
}

/** No line of ours is wider than the terminal: it would go on at the left edge, whatever stands in it. */
export function fit(look: Look, line: string): string {
  const plain = stripAnsi(line)
  return widthOf(plain) <= look.width ? line : clip(plain, look.width)
}

function withoutTabs(line: string): string {
  if (!line.includes('\t')) return line
  let result = ''
  for (const part of line.split('\t')) result += part + ' '.repeat(8 - ((result.length + part.length) % 8))
  return result.trimEnd()
}
