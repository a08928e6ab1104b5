/** The notebook of a run: a pure fold of its log. Nothing is erased: a superseded cell stands, closed, before its successor. */
import type * as nbformat from '@jupyterlab/nbformat'
import { markOutput, notebookOutputs, size } from '../notebook/notebook-outputs.ts'
import { cellsFold, cellsOf, type CellState, type CellsState } from './fold-cells.ts'
import { summaryFold, type Summary } from './fold-summary.ts'
import type { Fold } from './fold.ts'
import { aboutText } from './notebook-about.ts'

export interface NotebookState {
  cells: CellsState
  summary: Summary
}

export const notebookFold: Fold<NotebookState> = {
  initial: () => ({ cells: cellsFold.initial(), summary: summaryFold.initial() }),
  step: (state, event) => ({
    cells: cellsFold.step(state.cells, event),
    summary: summaryFold.step(state.summary, event),
  }),
}

/** Displays may hold references to files: see `inline`. */
export function notebookOf(state: NotebookState): nbformat.INotebookContent {
  const cells = [...notebookCells(state.cells)].map(({ id, cell }) => notebookCell(id, cell))
  return { ...notebookFrame(state.summary), cells: [aboutCell(state.summary), ...cells] }
}

/** All but the cells. */
export function notebookFrame(
  summary: Summary,
): Pick<nbformat.INotebookContent, 'metadata' | 'nbformat' | 'nbformat_minor'> {
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
  return { cell_type: 'markdown', id: 'seer-about', metadata: { seer: { by: 'system' } }, source: aboutText(summary) }
}

/** The cells with ids that nbformat allows and that no two share: the first session's own, others' with their session. */
export function* notebookCells(state: CellsState): Generator<{ id: string; cell: CellState }> {
  const taken = new Set(['seer-about'])
  const cells = cellsOf(state)
  const firstSession = cells[0]?.session
  for (const cell of cells) {
    const name = cell.session === firstSession || cell.session === null ? cell.cell : `${cell.session}-${cell.cell}`
    const base = name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, 60)
    let id = base
    for (let n = 2; taken.has(id); n++) id = `${base}-${n}`
    taken.add(id)
    yield { id, cell }
  }
}

export function notebookCell(id: string, cell: CellState): nbformat.ICodeCell | nbformat.IMarkdownCell {
  const { by, hidden, status, durationMs, generation, supersedes, supersededBy } = cell
  const seer = {
    by,
    ...(cell.kind === 'code' ? { status, durationMs, hidden, kernelGeneration: generation } : {}),
    ...(supersedes === null ? {} : { supersedes }),
    ...(supersededBy === null ? {} : { supersededBy }),
  }
  const tags = [...(hidden ? ['setup'] : []), ...(supersededBy === null ? [] : ['superseded'])]
  const labels = { seer, ...(tags.length > 0 ? { tags } : {}) }
  if (cell.kind === 'markdown') {
    const jupyter = supersededBy === null ? {} : { jupyter: { source_hidden: true } }
    return { cell_type: 'markdown', id, metadata: { ...labels, ...jupyter }, source: cell.source }
  }
  const closed = supersededBy === null ? { source_hidden: hidden } : { source_hidden: true, outputs_hidden: true }
  return {
    cell_type: 'code',
    id,
    metadata: { ...labels, ...(tags.length > 0 ? { jupyter: closed, collapsed: supersededBy !== null } : {}) },
    source: cell.source,
    outputs: [...notebookOutputs(cell.outputs), ...marksOf(cell).map(markOutput)],
    execution_count: cell.executionCount !== null && cell.executionCount >= 0 ? cell.executionCount : null,
  }
}

const STATUS_MARKS: Partial<Record<CellState['status'], string>> = {
  running: '[this cell was still running when the notebook was written]',
  died: '[the kernel died in this cell; all variables were lost]',
  aborted: '[this cell never ran: one before it in the queue failed or was interrupted]',
  unknown: '[how this cell ended is not known]',
}

const LOST_MARKS: Record<CellState['lost'][number]['reason'], string> = {
  gap: 'lost on the way',
  cap: 'left out at the limit of disk space for one cell',
  invalid: 'refused, being no valid output',
}

function marksOf({ status, lost, interrupts }: CellState): string[] {
  const missing = lost.map(({ reason, messages, bytes }) => {
    const parts = [...(messages > 0 ? [`${messages} messages`] : []), ...(bytes > 0 ? [size(bytes)] : [])]
    return `[${parts.join(', ') || 'some'} of output ${LOST_MARKS[reason]}]`
  })
  const mark = STATUS_MARKS[status]
  return [...missing, ...(interrupts > 0 ? ['[this cell was interrupted]'] : []), ...(mark === undefined ? [] : [mark])]
}
