import * as fc from 'fast-check'
import { renderToString } from 'preact-render-to-string'
import { expect, test } from 'vitest'
import { logs } from '../../test/generate-log.ts'
import { fold } from '../run/fold.ts'
import { EntryView } from './entry.tsx'
import { Facts } from './facts.tsx'
import { RunHeader } from './header.tsx'
import { runFold } from './run-state.ts'
import { shownStatus } from './status.tsx'
import type { View } from './view.ts'

const view: View = {
  artifactUrl: (sha256) => `/artifacts/${sha256}`,
  cellHref: () => '#',
  isOpen: () => undefined,
  eager: true,
}

test('whatever a log holds can be drawn, and nothing that is drawn needs more than a strict page allows', () => {
  fc.assert(
    fc.property(logs, (events) => {
      const run = fold(runFold, events)
      const html = [
        renderToString(<RunHeader summary={run.summary} status={shownStatus(run.summary.status, false, true)} />),
        renderToString(<Facts summary={run.summary} />),
        ...run.timeline.entries.map((entry) =>
          renderToString(<EntryView entry={entry} run={run} current={false} view={view} />),
        ),
      ].join('')
      // In a frame's own document styles are its own affair.
      const own = html.replaceAll(/ srcdoc="[^"]*"/g, '')
      expect(own).not.toMatch(/<script|\sstyle=|\son[a-z]+=|javascript:/i)
    }),
    { numRuns: 60 },
  )
})
