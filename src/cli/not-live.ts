/** For commands that take part in a run while it goes on. */
import { SeerError } from '../errors.ts'
import { seerCommand } from '../seer-command.ts'

export function notLive(run: string | undefined): SeerError {
  return new SeerError('run-unknown', {
    message: run === undefined ? 'No run of yours goes on now.' : `No run "${run}" goes on now.`,
    hint: `\`${seerCommand(['list'])}\` lists runs of this folder; \`${seerCommand(['show', 'latest'])}\` tells one that has ended.`,
  })
}
