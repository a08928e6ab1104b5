import type { Run } from '../run/run.ts'
import type { Floor } from '../tools/floor.ts'
import type { Notebook } from '../tools/notebook.ts'
import type { Tool } from '../tools/tool.ts'

/** The session that JupyterLab is opened on. */
export interface SharedSession {
  readonly run: Run
  readonly notebook: Notebook
  readonly floor: Floor
  /** `interrupt` and `restart_kernel`, of which the others in the session are told. */
  readonly tools: readonly Tool[]
}
