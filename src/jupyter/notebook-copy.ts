/** The notebook as JupyterLab shows it: made safe, and written anew at a cell's end, whole or not at all. */
import type * as nbformat from '@jupyterlab/nbformat'
import { rename, rm, writeFile } from 'node:fs/promises'
import type { Run } from '../run/run.ts'
import { safeData, safeMetadata } from './safe-outputs.ts'
import { safeMarkdown } from '../notebook/safe-markdown.ts'

const MAX_CHARS = 30 * 1024 * 1024
/** As the run's own notebook: at most once a second, and for less than a tenth of the time. */
const EVERY_MS = 500
const REST = 9

export interface NotebookCopy {
  /** Rejects when it cannot be written. */
  readonly write: () => Promise<void>
  readonly close: () => Promise<void>
}

const WRITES = new Set(['cell-start', 'cell-end', 'markdown-add', 'cell-remove', 'cell-move', 'finding-submit'])

export function openCopy(run: Run, path: string, kernel: { name: string; title: string }): NotebookCopy {
  const events = run.events()
  let isDirty = false
  let writing = Promise.resolve()
  let timer: NodeJS.Timeout | undefined
  let notBefore = 0

  async function write(): Promise<void> {
    isDirty = false
    const began = performance.now()
    const text = Buffer.concat([...run.notebook()]).toString()
    const copy = safeNotebook(JSON.parse(text) as nbformat.INotebookContent, kernel)
    await writeFile(`${path}.part`, JSON.stringify(copy))
    await rename(`${path}.part`, path)
    notBefore = performance.now() + Math.max(EVERY_MS, REST * (performance.now() - began))
  }
  function schedule(): void {
    timer ??= setTimeout(
      () => {
        // What cannot be written now is tried again with the next cell.
        writing = write()
          .catch(() => undefined)
          .finally(() => {
            timer = undefined
            if (isDirty) schedule()
          })
      },
      Math.max(0, notBefore - performance.now()),
    ).unref()
  }
  async function follow(): Promise<void> {
    for await (const { type } of events) {
      if (!WRITES.has(type)) continue
      isDirty = true
      schedule()
    }
  }
  void follow()
  return {
    write,
    async close() {
      events.close()
      clearTimeout(timer)
      await writing
      await rm(`${path}.part`, { force: true })
    },
  }
}

/** Nothing of it acts, whoever wrote it; and it says that it is not to be written. */
export function safeNotebook(
  { nbformat: major, nbformat_minor: minor, cells }: nbformat.INotebookContent,
  { name, title }: { name: string; title: string },
): nbformat.INotebookContent {
  return {
    nbformat: major,
    nbformat_minor: minor,
    metadata: {
      kernelspec: { name, display_name: title, language: 'python' },
      language_info: {
        name: 'python',
        file_extension: '.py',
        mimetype: 'text/x-python',
      },
    },
    cells: cells.map(safeCell),
  }
}

function safeCell(cell: nbformat.ICell): nbformat.ICell {
  const { id, cell_type: type, source, metadata } = cell
  const { source_hidden = false, outputs_hidden = false } = (metadata['jupyter'] ?? {}) as Record<string, boolean>
  const shared = {
    id,
    metadata: { editable: false, deletable: false, jupyter: { source_hidden, outputs_hidden } },
  }
  const text = Array.isArray(source) ? source.join('') : source
  if (type !== 'code') return { ...shared, cell_type: 'markdown', source: safeMarkdown(text) }
  return {
    ...shared,
    cell_type: 'code',
    source: text,
    execution_count: cell['execution_count'],
    outputs: (cell['outputs'] as nbformat.IOutput[]).map(safeOutput),
  }
}

function safeOutput(output: nbformat.IOutput): nbformat.IOutput {
  if (output['data'] === undefined) return output
  const { output_type, execution_count } = output
  return {
    output_type,
    data: safeData(output['data'] as nbformat.IMimeBundle, MAX_CHARS),
    metadata: safeMetadata(output['metadata'] as Record<string, unknown>),
    ...(output_type === 'execute_result' ? { execution_count } : {}),
  } as nbformat.IOutput
}
