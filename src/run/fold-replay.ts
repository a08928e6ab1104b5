/** What was run in a sandbox's sessions, in the order in which it began: enough to run it again. */
import type { By, EventOf } from './events.ts'
import { foldBy } from './fold.ts'

export interface RunCell {
  session: string
  cell: string
  code: string
  by: By
  /** `running`: its end was not heard of. */
  status: EventOf<'cell-end'>['status'] | 'running'
  /** Of the kernel that ran it; null until its end was heard of. */
  generation: number | null
}

export interface RunCells {
  cells: RunCell[]
  /** Sessions that began in an earlier run: what ran there is not here, and the rest alone would make something else. */
  begunBefore: string[]
  /** The modules that Seer put into its `libraries`. */
  libraries: string[]
}

export const runCellsFold = (sandbox: string) =>
  foldBy<RunCells>(() => ({ cells: [], begunBefore: [], libraries: [] }), {
    'session-start': (state, event) => {
      if (event.sandbox !== sandbox) return
      state.libraries.push(...event.libraries.map(({ name }) => name))
      const { session, attached, run } = event
      if (session !== undefined && attached && attached.run !== run) state.begunBefore.push(session)
    },
    'cell-start': (state, { session, cell, code, by, ...event }) => {
      if (event.begun || event.sandbox !== sandbox || session === undefined || cell === undefined) return
      if (state.begunBefore.includes(session)) return
      state.cells.push({ session, cell, code, by, status: 'running', generation: null })
    },
    'cell-end': (state, { session, cell, status, kernel }) => {
      const found = state.cells.findLast((one) => one.session === session && one.cell === cell)
      if (found) Object.assign(found, { status, generation: kernel?.generation ?? null })
    },
  })
