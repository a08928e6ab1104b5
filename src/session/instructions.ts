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
