/** What a report is drawn from: plain data, gathered from a run's log and files. */
import type { By, EventOf } from '../../run/events.ts'
import type { FunctionCall } from '../../run/fold-calls.ts'
import type { CellState } from '../../run/fold-cells.ts'
import type { SubmittedFinding } from '../../run/fold-findings.ts'
import type { Summary } from '../../run/fold-summary.ts'
import type { ToolCall } from '../../run/fold-tools.ts'
import type { Entry } from '../timeline.ts'

export interface ReportInput {
  /** The name of the run's folder. */
  readonly run: string
  /** As the folder shows it: a run that has no end, and no writer any more, crashed. */
  readonly status: Summary['status']
  readonly summary: Omit<Summary, 'open'>
  readonly writtenAt: string
  /** The version of Seer that wrote the report. */
  readonly writtenBy: string
  /** What the agent was asked, in markdown. */
  readonly question: string | null
  /** What each agent was told at its start, as it was sent. */
  readonly prompts: readonly { by: By; prompt: string }[]
  readonly findings: readonly (SubmittedFinding & { readonly session: string | null })[]
  readonly drift: Pick<EventOf<'drift-report'>, 'recorded' | 'fresh' | 'rtol' | 'cells'> | null
  readonly notices: readonly (Pick<EventOf<'notice-add'>, 'level' | 'code' | 'text'> & { at: string })[]
  readonly tables: readonly ReportTable[]
  readonly files: readonly ReportFile[]
  /** In the order in which it happened; what was too much for the report is taken out of the cells, and a mark stands for it. */
  readonly story: readonly StoryItem[]
  /** The addresses of pictures (`data:`) by the hash of their bytes. */
  readonly images: Readonly<Record<string, string>>
  /** What was left out of the report, in sentences. */
  readonly leftOut: readonly string[]
  /** What is wrong with the log. */
  readonly problems: readonly string[]
}

export type StoryItem =
  | { readonly kind: 'cell'; readonly seq: number; readonly cell: CellState }
  | { readonly kind: 'call'; readonly seq: number; readonly call: ToolCall }
  | { readonly kind: 'function-call'; readonly seq: number; readonly call: FunctionCall }
  | Exclude<Entry, { kind: 'cell' | 'call' | 'function-call' }>

export interface ReportTable {
  readonly name: string
  /** In the run's folder. */
  readonly file: string
  readonly columns: readonly string[]
  readonly moreColumns: number
  /** The first rows, each with a text for every column; null: the row has no such column. */
  readonly rows: readonly (readonly (string | null)[])[]
  readonly rowCount: number
}

/** Something that the agent's code saved. */
export interface ReportFile {
  readonly name: string
  readonly kind: string
  readonly bytes: number
  /** In the run's folder. */
  readonly path: string
  /** Of a picture that is shown. */
  readonly image: string | null
}
