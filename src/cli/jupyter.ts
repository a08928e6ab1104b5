/** `seer jupyter`: JupyterLab on a session of a live run, whose process serves it. */
import { findTarget } from '../mcp/bridge/target.ts'
import { connectControl } from '../run/control.ts'
import { notLive } from './not-live.ts'

export interface JupyterOptions {
  session?: string
}

export async function jupyterCommand(run: string | undefined, { session }: JupyterOptions): Promise<void> {
  const target = findTarget({ run, role: 'person' })
  if (!target) throw notLive(run)
  using control = await connectControl(target.folder, { from: 'command' })
  process.stdout.write(`${await control.jupyter(session)}\n`)
}
