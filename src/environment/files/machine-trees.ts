import { SeerError } from '../../errors.ts'
import type { Machine, MachineTrees } from '../../sandbox/backend.ts'

/** Throws where the machine's backend has no such ability. */
export function treesOf({ trees }: Machine): MachineTrees {
  if (trees) return trees
  throw new SeerError('capability-missing', {
    message: 'This sandbox cannot take or give whole files and folders.',
    hint: '`writeFile` and `readFile` work: one file at a time.',
  })
}
