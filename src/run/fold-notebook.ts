/** The notebook of a run: a pure fold of its log. Nothing is erased: a superseded cell stands, closed, before its successor. */
import type * as nbformat from '@jupyterlab/nbformat'
import { markOutput, notebookOutputs, size } from '../notebook/notebook-outputs.ts'
import { WIDGET_STATE_MIME } from '../notebook/widget-text.ts'
import { plain, quoted } from '../notebook/safe-markdown.ts'
import { cellsFold, type CellState, type CellsState } from './fold-cells.ts'
import { saidFold, type SaidState, type Saying } from './fold-said.ts'
import { summaryFold, type Summary } from './fold-summary.ts'
import { widgetStates } from './fold-widgets.ts'
import type { Fold } from './fold.ts'
import { aboutText, endText } from './notebook-about.ts'
import { sayingText } from './notebook-said.ts'

export interface NotebookState {
  cells: CellsState
  said: SaidState
  summary: Summary
}

/** A cell of the notebook, made only when it is needed: one whose id and version are those of before is the same. */
export interface NotebookItem {
  readonly id: string
  readonly version: number
  /** To which it belongs; null: to none, or that is not known. */
  readonly session: string | null
  readonly make: () => nbformat.ICodeCell | nbformat.IMarkdownCell
}

export const notebookFold: Fold<NotebookState> = {
  initial: () => ({ cells: cellsFold.initial(), said: saidFold.initial(), summary: summaryFold.initial() }),
  step: (state, event) => ({
    cells: cellsFold.step(state.cells, event),
    said: saidFold.step(state.said, event),
    summary: summaryFold.step(state.summary, event),
  }),
}

/** Displays may hold references to files: see `inline`. */
export function notebookOf(state: NotebookState): nbformat.INotebookContent {
  const cells = [...notebookItems(state)].map(({ make }) => make())
  return { ...notebookFrame(state), cells: [aboutCell(state.summary), ...cells, endCell(state.summary)] }
}

/** All but the cells. The state of widgets may hold references to files, as displays do. */
export function notebookFrame({
  summary,
  cells,
}: NotebookState): Pick<nbformat.INotebookContent, 'metadata' | 'nbformat' | 'nbformat_minor'> {
  const widgets = widgetStates(cells.widgets)
  const { run, experiment, provider, models, agents, recorded, confinement, status, compute } = summary
  const model = models.at(-1) ?? agents.at(-1)?.model ?? null
  return {
    metadata: {
      kernelspec: { name: 'python3', display_name: 'Python 3' },
      language_info: {
        name: 'python',
        ...(compute ? { version: compute.python } : {}),
        file_extension: '.py',
        mimetype: 'text/x-python',
        pygments_lexer: 'ipython3',
        codemirror_mode: { name: 'ipython', version: 3 },
      },
      ...(widgets === null ? {} : { widgets: { [WIDGET_STATE_MIME]: widgets } }),
      seer: {
        run,
        experiment,
        provider,
        model,
        status,
        confinement,
        recorded: recorded.map((entry) => ({ ...entry })),
      },
    },
    nbformat: 4,
    nbformat_minor: 5,
  }
}

export function aboutCell(summary: Summary): nbformat.IMarkdownCell {
  return markdownCell('seer-about', { by: 'system' }, aboutText(summary))
}

export function endCell(summary: Summary): nbformat.IMarkdownCell {
  return markdownCell('seer-end', { by: 'system' }, endText(summary))
}

/** All that stands between the first cell and the last: cells, and before them what was said. */
export function* notebookItems(state: NotebookState): Generator<NotebookItem> {
  const { order, cells } = state.cells
  const taken = new Set(['seer-about', 'seer-end'])
  const unique = (name: string) => {
    let id = name
    for (let n = 2; taken.has(id); n++) id = `${name}-${n}`
    taken.add(id)
    return id
  }
  const first = cells[order[0] ?? '']?.session ?? null
  const nameOf = (session: string | null, cell: string) =>
    session === first || session === null ? cell : `${session}-${cell}`
  const said = (saying: Saying, session: string | null): NotebookItem => {
    const id = unique(`${saying.kind}-${saying.seq}`)
    return { id, version: 0, session, make: () => saidCell(id, saying, nameOf) }
  }
  for (const key of order) {
    const cell = cells[key]!
    const { version, session, supersededBy, removed } = cell
    for (const saying of state.said.before[key] ?? []) yield said(saying, session)
    const id = unique(idOf(nameOf(cell.session, cell.cell)))
    const successor = supersededBy === null ? null : nameOf(cell.session, supersededBy)
    const fate = successor === null ? (removed ? 'taken out' : null) : `replaced by ${plain(successor)}`
    if (fate !== null && cell.kind === 'code') {
      const noteId = unique(`${id}-${successor === null ? 'removed' : 'replaced'}`)
      yield { id: noteId, version, session, make: () => markdownCell(noteId, { by: 'system' }, fateText(id, fate)) }
    }
    yield { id, version, session, make: () => notebookCell(id, cell, fate) }
  }
  for (const saying of state.said.last) yield said(saying, saying.kind === 'claim' ? saying.session : null)
}

/** nbformat allows 64 of these characters; some are left for what is added to tell two cells apart. */
function idOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 50)
}

type Labels = Record<string, string | number | boolean | null>

function markdownCell(id: string, seer: Labels, source: string, tags: string[] = []): nbformat.IMarkdownCell {
  return { cell_type: 'markdown', id, metadata: { seer, ...(tags.length > 0 ? { tags } : {}) }, source }
}

function saidCell(id: string, saying: Saying, nameOf: (session: string | null, cell: string) => string) {
  const { by, kind, seq } = saying
  return markdownCell(id, { by, kind, seq }, sayingText(saying, nameOf), [kind])
}

function fateText(id: string, fate: string): string {
  return `*The next cell, ${plain(id)}, was ${fate}; its code and output are folded.*`
}

function notebookCell(id: string, cell: CellState, fate: string | null): nbformat.ICodeCell | nbformat.IMarkdownCell {
  const { by, hidden, status, durationMs, generation, supersedes, supersededBy, replays, begunIn, removed } = cell
  const seer = {
    by,
    ...(cell.kind === 'code' ? { status, durationMs, hidden, kernelGeneration: generation } : {}),
    ...(supersedes === null ? {} : { supersedes }),
    ...(replays === null ? {} : { replays }),
    ...(begunIn === null ? {} : { begunIn }),
    ...(supersededBy === null ? {} : { supersededBy }),
  }
  const tags = [
    ...(hidden ? ['setup'] : []),
    ...(supersededBy === null ? [] : ['superseded']),
    ...(removed ? ['removed'] : []),
  ]
  if (cell.kind === 'markdown') {
    return markdownCell(id, seer, fate === null ? cell.source : folded(cell.source, fate), tags)
  }
  const closed = fate === null ? { source_hidden: hidden } : { source_hidden: true, outputs_hidden: true }
  return {
    cell_type: 'code',
    id,
    metadata: {
      seer,
      ...(tags.length > 0 ? { tags, jupyter: closed, collapsed: fate !== null } : {}),
    },
    source: cell.source,
    outputs: [...notebookOutputs(cell.outputs), ...marksOf(cell).map(markOutput)],
    execution_count: cell.executionCount !== null && cell.executionCount >= 0 ? cell.executionCount : null,
  }
}

/** One line, and its text behind it. */
function folded(text: string, fate: string): string {
  return `<details><summary>${fate}</summary>\n\n${quoted(text)}\n\n</details>`
}

const STATUS_MARKS: Partial<Record<CellState['status'], string>> = {
  running: '[this cell was still running when the notebook was written]',
  detached: '[this cell went on when its sandbox was let go: the rest is in the notebook of the run that took it up]',
  died: '[the kernel died in this cell; all variables were lost]',
  stopped: '[Seer ended the kernel while this cell ran; all variables were lost]',
  aborted: '[this cell never ran: one before it in the queue failed or was interrupted]',
  unknown: '[how this cell ended is not known]',
}

const LOST_MARKS: Record<CellState['lost'][number]['reason'], string> = {
  gap: 'lost on the way',
  cap: 'left out at the limit of disk space for one cell',
  invalid: 'refused, being no valid output',
}

function marksOf({ status, lost, interrupts, begunIn }: CellState): string[] {
  const begun =
    begunIn === null ? [] : [`[this cell began in the run ${begunIn}; what it put out there is in that notebook]`]
  const missing = lost.map(({ reason, messages, bytes }) => {
    const parts = [...(messages > 0 ? [`${messages} messages`] : []), ...(bytes > 0 ? [size(bytes)] : [])]
    return `[${parts.join(', ') || 'some'} of output ${LOST_MARKS[reason]}]`
  })
  const mark = STATUS_MARKS[status]
  return [
    ...begun,
    ...missing,
    ...(interrupts > 0 ? ['[this cell was interrupted]'] : []),
    ...(mark === undefined ? [] : [mark]),
  ]
}
