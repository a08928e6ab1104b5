/** What is made from the log while a run goes on: the notebook, the results' tables and run.json. */
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import type { Artifacts } from './artifacts.ts'
import type { CellsState } from './fold-cells.ts'
import type { Summary } from './fold-summary.ts'
import type { AnyEvent } from './fold.ts'
import { openNotebookWriter } from './notebook-writer.ts'
import { openResults } from './results.ts'
import { runJson } from './run-json.ts'

export interface Projections {
  push(event: AnyEvent): void
  /** Resolves when nothing of this takes room on the disk meanwhile; nothing does until `close`, but for what `push` writes at once. */
  rest(): Promise<void>
  /** Writes everything a last time. Throws when the notebook cannot be written. */
  close(): Promise<void>
  closeNow(): void
  readonly summary: Summary
  readonly cellsState: Readonly<CellsState>
  /** The text of the notebook as it is now. */
  notebook(): Iterable<Uint8Array>
  /** Of that, the cells of some sessions. */
  notebookOf(isMeant: (session: string) => boolean): Iterable<Uint8Array>
}

/** Events after which run.json is written anew: when a run starts, when it is known where it runs, and when it ends. */
const WRITES_RUN_JSON = new Set(['run-start', 'sandbox-start', 'session-start', 'run-end'])

export function openProjections(folder: string, artifacts: Artifacts): Projections {
  const notebook = openNotebookWriter(join(folder, 'notebook.ipynb'), {
    readBlob: (sha256, range) => artifacts.read(sha256, range),
  })
  const results = openResults(join(folder, 'results'))

  function push(event: AnyEvent): void {
    notebook.push(event)
    results.push(event)
    if (WRITES_RUN_JSON.has(event.type)) writeAtomic(join(folder, 'run.json'), runJson(notebook.state.summary))
  }

  return {
    push,
    rest: () => notebook.rest(),
    close: () => notebook.close(),
    closeNow: () => notebook.closeNow(),
    notebook: () => notebook.pieces(),
    notebookOf: (isMeant) => notebook.piecesOf(isMeant),
    get summary() {
      return notebook.state.summary
    },
    get cellsState() {
      return notebook.state.cells
    },
  }
}

function writeAtomic(path: string, value: unknown): void {
  try {
    writeFileSync(`${path}.part`, `${JSON.stringify(value, null, 2)}\n`)
    renameSync(`${path}.part`, path)
  } catch (cause) {
    throw new SeerError('run-json-write-failed', {
      message: `${path} could not be written: ${describeError(cause)}`,
      hint: 'Everything in it is in events.jsonl too. Make room on that disk, or choose another one with --output-dir.',
      cause,
      endsRun: true,
    })
  }
}
