/** What is wrong with a log: said at once, and never a reason not to show the rest. */
import { plural } from '../amounts.ts'
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
  if (problems.length === 0) return null
  // The server tells of it only when nobody writes any more.
  const isCut = problems.every(({ kind }) => kind === 'torn')
  const title = isCut ? 'The last line of this log is cut short.' : 'This log is damaged.'
  const text = isCut
    ? 'Whoever wrote it ended in the middle of a line.'
    : `${plural(problems.length + leftOut, 'place')} of it could not be read; what follows is the rest.`
  return (
    <Notice level="warning" title={title} text={text}>
      <Disclosure id="problems" view={view} class="quiet" summary="Where">
        {() => (
          <ul class="problems">
            {problems.map(({ kind, at, why }) => (
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
