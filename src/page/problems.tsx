/** What is wrong with a log: said at once, and never a reason not to show the rest. */
import { plural } from './amounts.ts'
import { Disclosure } from './disclosure.tsx'
import { Notice } from './notice.tsx'
import type { View } from './view.ts'
import type { Problem } from './wire.ts'

export interface ProblemsProps {
  readonly problems: readonly Problem[]
  readonly leftOut: number
  readonly view: View
}

export function ProblemsNotice({ problems, leftOut, view }: ProblemsProps) {
  // The last line of a log that is being written may not be whole yet.
  const lasting = problems.filter(({ kind }) => kind !== 'torn')
  if (lasting.length === 0) return null
  const text = `${plural(lasting.length + leftOut, 'place')} of it could not be read; what follows is the rest.`
  return (
    <Notice level="warning" title="This log is damaged." text={text}>
      <Disclosure id="problems" view={view} class="quiet" summary="Where">
        {() => (
          <ul class="problems">
            {lasting.map(({ kind, at, why }) => (
              <li key={`${at} ${kind}`}>
                {kind}, at byte {at}: {why.slice(0, 500)}
              </li>
            ))}
            {leftOut > 0 && <li>and {leftOut} more</li>}
          </ul>
        )}
      </Disclosure>
    </Notice>
  )
}
