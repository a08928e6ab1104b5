/** Jumping, following, help and colours. */
import { count } from '../../amounts.ts'
import type { Counts } from './find-next.ts'
import type { Command } from './keyboard.ts'

export interface ToolbarProps {
  readonly counts: Counts
  readonly following: boolean
  readonly live: boolean
  readonly run: (command: Command) => void
}

export function Toolbar({ counts, following, live, run }: ToolbarProps) {
  return (
    <div class="toolbar" role="toolbar" aria-label="Jump">
      <Jump n={counts.errors} one="error" command="next-error" keys="e" tone="error" run={run} />
      <Jump n={counts.figures} one="figure" command="next-figure" keys="f" run={run} />
      <Jump n={counts.findings} one="finding" command="next-finding" keys="g" run={run} />
      <button
        type="button"
        class={following ? 'follow on' : 'follow'}
        aria-pressed={following}
        title="l"
        onClick={() => run('follow')}
      >
        {following ? 'Following' : live ? 'Follow' : 'To the end'}
      </button>
    </div>
  )
}

interface JumpProps {
  n: number
  one: string
  command: Command
  keys: string
  tone?: string
  run: (command: Command) => void
}

function Jump({ n, one, command, keys, tone = '', run }: JumpProps) {
  return (
    <button
      type="button"
      class={`jump ${n > 0 ? tone : ''}`}
      disabled={n === 0}
      title={`next ${one} (${keys})`}
      onClick={() => run(command)}
    >
      <strong>{count(n)}</strong> {n === 1 ? one : `${one}s`}
    </button>
  )
}
