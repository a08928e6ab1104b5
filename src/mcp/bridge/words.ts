/** What the bridge itself says: in the place of a run that is not there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { seerCommand } from '../../seer-command.ts'
import { liveRuns } from '../reach.ts'
import type { Target } from './target.ts'

const statusSchema = z.object({ status: z.string() })

export interface Standing {
  readonly target: Target | undefined
  readonly ended: Target | undefined
  /** Why none will come. */
  readonly problem?: string | undefined
}

export function noRunText({ ended, problem }: Standing): string {
  const before = ended ? `${endedText(ended)} ` : ''
  if (problem !== undefined) return `${before}${problem}`
  const example = seerCommand(['run', 'sandbox-intro'])
  return `${before}No run of Seer goes on now that this could connect to. One is started by a person (\`${example}\`, or a script); call \`status\` to look again. The tools come with the run.`
}

export function endedText({ run, folder }: Target): string {
  if (liveRuns().some((one) => one.folder === folder)) return `The session in the run ${run} has ended.`
  return `The run ${run} has ended (${statusOf(folder)}), and its kernel with it. Its record is in ${folder}.`
}

export function statusText(standing: Standing): string {
  const { target } = standing
  return target ? `The run ${target.run} goes on: its tools can be used now.` : noRunText(standing)
}

export function otherRunText(before: Target, now: Target): string {
  return `This is another run now: ${now.run}. ${endedText(before)} Cells and variables of before are not here.`
}

export const PREPARING =
  'The experiment is still being prepared (the first time, packages are installed). Call `status` to look again; the tools come with it.'

export const TOO_LARGE =
  'The call has more than 4 MiB, which is more than is taken: nothing was run. Code may have 200,000 characters; write larger data with code, or put it in a file.'

/** For a client that has been told nothing by a run. */
export const WAITING_INSTRUCTIONS =
  'This connects you to a live notebook of Seer next to a model, as soon as a run goes on. None does yet: call `status` to look again.'

function statusOf(folder: string): string {
  try {
    const { status } = statusSchema.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')))
    // Its last word may not be written yet, or never will be.
    return status === 'running' ? 'its process has gone' : status
  } catch {
    return 'its process has gone'
  }
}
