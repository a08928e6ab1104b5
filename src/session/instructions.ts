import type { Kernel } from '../kernel/kernel.ts'
import type { Earlier } from './open-notebook.ts'

/** What an agent from outside is told before it begins; one of ours has its experiment's prompt. */
export function instructionsOf(modelInfo: string): string {
  return [
    'You work in a live notebook next to a model. `execute_code` runs Python in a new cell; variables stay from cell to cell.',
    modelInfo,
    'A cell that takes longer than 25 s goes on: `wait_cell` waits for it, `interrupt` stops it.',
    'Every cell stays in the notebook, with your name. Say in text cells (`add_markdown`) what you are about to test, and why.',
    'Others may work in the same notebook: what they ran since your last call stands before what your call gave.',
  ].join('\n')
}

/** Of a session that an earlier process had begun. */
export function goesOnText({ death, running }: Pick<Kernel, 'death' | 'running'>, { run, kernel }: Earlier): string {
  const isOne = kernel.cells === 1
  const before = `${isOne ? 'The cell c1 is' : `The cells c1 to c${kernel.cells} are`} of before, and not in the notebook of this run.`
  const goesOn =
    running.length === 0
      ? ''
      : ` ${running.join(', ')} still ${running.length === 1 ? 'runs' : 'run'}: \`wait_cell\` waits for it.`
  const state =
    death === undefined
      ? 'Its variables are there.'
      : `Its kernel has died meanwhile (${death}): all variables are lost. \`restart_kernel\` starts another.`
  return `This notebook goes on from the run \`${run}\`. ${state} ${before}${goesOn}`
}
