/** What the telling of a run remembers from one event to the next. */
import type { ReadBlob } from '../../notebook/stream-text.ts'
import { emptyWidgets, type WidgetsState } from '../../run/fold-widgets.ts'
import type { CellOutput } from './cell-output.ts'
import type { Look } from './look.ts'

export interface OpenCell {
  readonly id: string
  readonly run: string
  readonly hidden: boolean
  readonly output: CellOutput
  /** Rows by table, values by file: told with the cell's end. */
  readonly rows: Map<string, number>
  readonly saved: string[]
  interrupted: boolean
}

export interface StoryState {
  readonly look: Look
  /** While it happens: a long cell shows now and then how far it is. */
  readonly live: boolean
  /** Stands between a header and a summary that tell the run's facts, findings and end: they are left out here. */
  readonly framed: boolean
  readonly readBlob: ReadBlob | undefined
  /** Where the run lies, for the commands that show more. */
  readonly folder: string | undefined
  /** Was told before the story: an agent that ended with it does not tell it again. */
  readonly error: string | undefined
  /** What was written to last, for the empty lines between. */
  block: string
  cells: Map<string, OpenCell>
  widgets: WidgetsState
  calls: Map<string, { name: string; input: unknown }>
  /** Commands of those that run beside the kernels. */
  processes: Map<string, string>
  /** Calls of served functions that have not ended. */
  functionCalls: Map<string, { from: 'library' | 'tool' | 'researcher'; args: string }>
  agents: Set<string>
  /** Those that were told something. */
  begun: Set<string>
  usage: { turns: number; sent: number; cached: number; received: number; costUsd: number }
}

export interface StoryOptions {
  readonly live?: boolean
  readonly framed?: boolean
  readonly readBlob?: ReadBlob
  readonly folder?: string
  readonly error?: string
}

export function openStory(look: Look, options: StoryOptions = {}): StoryState {
  return {
    look,
    live: options.live ?? false,
    framed: options.framed ?? false,
    readBlob: options.readBlob,
    folder: options.folder,
    error: options.error,
    block: '',
    cells: new Map(),
    widgets: emptyWidgets(),
    calls: new Map(),
    processes: new Map(),
    functionCalls: new Map(),
    agents: new Set(),
    begun: new Set(),
    usage: { turns: 0, sent: 0, cached: 0, received: 0, costUsd: 0 },
  }
}

/** Goes on in the block that was last written to, or starts another after an empty line. */
export function inBlock(state: StoryState, block: string, lines: string[], heading: string[] = []): string[] {
  if (lines.length === 0 && heading.length === 0) return []
  if (state.block === block) return lines
  const space = state.block === '' ? [] : ['']
  state.block = block
  return [...space, ...heading, ...lines]
}
