/** The cells that run before the agent's: Seer's own set-up, the researcher's init code, and what a snapshot's session had run. */
import type { Sandbox } from '../environment/sandbox.ts'
import { replayOf } from '../environment/snapshot/replay-list.ts'
import type { SnapshotCell } from '../environment/snapshot/snapshot.ts'
import { SeerError } from '../errors.ts'
import type { Kernel } from '../kernel/kernel.ts'
import { seerCommand } from '../seer-command.ts'
import { untilAborted } from '../until-aborted.ts'
import type { Workspace } from '../workspace/workspace.ts'
import { skillPathCode } from './place-workspace.ts'
import { textOf } from './text-of-cell.ts'

export interface Step {
  readonly code: string
  readonly hidden: boolean
  readonly failed: (cell: string, how: string) => SeerError
}

/** The cells of its snapshot that a session is to run again. */
export function replayed({ restored }: Sandbox, which: string | boolean): SnapshotCell[] {
  if (which === false) return []
  if (restored) return replayOf(restored.record.cells, which)
  throw new SeerError('invalid-options', {
    message: 'createNotebookSession: there is nothing to replay, since the sandbox did not begin with a snapshot.',
    hint: '`await Sandbox.fromSnapshot(snapshot, config)` starts one that does.',
  })
}

/** Init code that the snapshot's session has run is not run twice: what is drawn at random after it would be something else. */
export function setUpSteps(
  {
    customInitCode: init,
    hiddenModelLoading: hidden,
    skills,
  }: Pick<Workspace, 'customInitCode' | 'hiddenModelLoading' | 'skills'>,
  cells: readonly SnapshotCell[],
  workspacePath: string,
): Step[] {
  const doctor = `\`${seerCommand(['doctor'])}\` says how much memory is free: the model may not fit.`
  const path = skillPathCode({ skills }, workspacePath)
  const hasRun = cells.some(({ by, code }) => by === 'setup' && code === init)
  return [
    { code: 'seer.setup()', hidden, failed: (cell, how) => ofSetUp(cell, how, doctor) },
    ...(path === undefined ? [] : [{ code: path, hidden, failed: (cell: string, how: string) => ofSetUp(cell, how) }]),
    ...cells.map((cell) => ({
      code: cell.code,
      hidden: false,
      failed: (_: string, how: string) => ofReplay(cell, how),
    })),
    ...(init === undefined || hasRun
      ? []
      : [{ code: init, hidden, failed: (cell: string, how: string) => ofSetUp(cell, how, 'Correct customInitCode.') }]),
  ]
}

/** As an earlier process had them. */
export function keptSteps(cells: readonly Pick<Step, 'code' | 'hidden'>[]): Step[] {
  return cells.map(({ code, hidden }) => ({ code, hidden, failed: (cell, how) => ofSetUp(cell, how) }))
}

export async function setUp(sandbox: Sandbox, kernel: Kernel, steps: readonly Step[]): Promise<void> {
  for (const { code, hidden, failed } of steps) {
    const { cell, ended } = await kernel.execute(code, { by: 'setup', hidden })
    const { status } = await untilAborted(ended, sandbox.run.signal)
    if (status !== 'ok')
      throw failed(cell, `ended with "${status}":\n${await textOf(sandbox.run, kernel.session, cell)}`)
  }
}

function ofSetUp(cell: string, how: string, hint?: string): SeerError {
  const message = `The set-up cell ${cell} ${how}`
  return new SeerError('cell-of-setup-failed', hint === undefined ? { message } : { message, hint })
}

function ofReplay({ session, cell }: SnapshotCell, how: string): SeerError {
  return new SeerError('replay-failed', {
    message: `The cell ${cell} of the snapshot's session ${session} had ended well, and when it was run again it ${how}`,
    hint: 'It may need a library, a package, a model or a secret that is not there, or make a file or folder that is there already.',
  })
}
