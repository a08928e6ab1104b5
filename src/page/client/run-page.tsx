/** One run: its header, its timeline, what is beside it, and the means to take part. */
import { neutralise } from '../../notebook/terminal-text.ts'
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { Empty } from '../empty.tsx'
import { RunHeader } from '../header.tsx'
import { ProblemsNotice } from '../problems.tsx'
import { HowItEnded } from '../how-it-ended.tsx'
import { shownStatus } from '../status.tsx'
import { anchorId, type View } from '../view.ts'
import { artifactUrl } from './api.ts'
import { ConnectionBar } from './connection-bar.tsx'
import { landmarkCounter } from './find-next.ts'
import { Help } from './help.tsx'
import { Lightbox } from './lightbox.tsx'
import { OpenPlaces } from './open-places.ts'
import { Rail } from './rail.tsx'
import { runHref } from './route.ts'
import { RunStore } from './run-store.ts'
import { SteerBar } from './steer-bar.tsx'
import { TimelineView } from './timeline-view.tsx'
import { Toolbar } from './toolbar.tsx'
import { TopBar } from './top-bar.tsx'
import { useNavigation } from './use-navigation.ts'
import { useSeconds, useSubscription } from './use-tick.ts'
import { workingAgents } from './working-agents.ts'

/** With so few entries the end of the run, and why it ended, is in sight. */
const ENDS_NEAR = 4

export function RunPage({ id, anchor }: { id: string; anchor: string | null }) {
  const store = useMemo(() => new RunStore(id), [id])
  const places = useMemo(() => new OpenPlaces(), [id])
  const imageSizes = useRef(new Map<string, { width: number; height: number }>())
  const countLandmarks = useMemo(() => landmarkCounter(), [id])
  const [figure, setFigure] = useState<{ url: string; alt: string } | null>(null)
  const [helping, setHelping] = useState(false)
  useSubscription((listener) => store.subscribe(listener), store)
  useSubscription((listener) => places.subscribe(listener), places)
  useEffect(() => store.open(), [store])
  const { state, stream, connection } = store
  // Its log may have its end before its writer has gone.
  const isLive = stream.live && state.summary.status === 'running'
  const now = useSeconds(isLive)
  const nowMs = isLive ? now - store.skewMs : undefined
  const showHelp = useCallback(() => setHelping(true), [])
  const navigation = useNavigation({ store, places, anchor, showHelp })
  const status = shownStatus(state.summary.status, stream.live, stream.caughtUp)
  useTitle(state.summary.experiment, status)

  const agents = workingAgents(state)
  const hasEntries = state.timeline.entries.length > 0
  const view: View = {
    artifactUrl: (sha256, name) => artifactUrl(id, sha256, name),
    cellHref: (session, cell) => runHref(id, anchorId(session, cell)),
    isOpen: (place) => places.isOpen(place),
    onToggle: (place, open) => places.set(place, open),
    eager: false,
    agents: state.summary.agents.map(({ name }) => name),
    ended: stream.caughtUp && !isLive,
    ...(nowMs !== undefined && { nowMs }),
    sizeOf: (url) => imageSizes.current.get(url),
    onImage: (url, width, height) => imageSizes.current.set(url, { width, height }),
    onFigure: (url, alt) => setFigure({ url, alt }),
  }
  return (
    <>
      <TopBar onHelp={showHelp} below={hasEntries && <ConnectionBar connection={connection} />}>
        {state.summary.startedAt !== null && (
          <RunHeader summary={state.summary} status={status} nowMs={nowMs}>
            <Toolbar
              counts={countLandmarks(state)}
              following={navigation.following}
              live={isLive}
              run={navigation.run}
            />
          </RunHeader>
        )}
      </TopBar>
      <div class="run-layout" onClick={navigation.onClick}>
        <main class="timeline" aria-busy={!stream.caughtUp}>
          <ProblemsNotice problems={store.problems} leftOut={store.problemsLeftOut} view={view} />
          {state.timeline.entries.length > ENDS_NEAR && <HowItEnded summary={state.summary} status={status} />}
          {hasEntries ? (
            <TimelineView
              key={id}
              run={state}
              view={view}
              openVersion={places.version}
              current={navigation.current}
              onHandle={navigation.onHandle}
              onLayout={navigation.onLayout}
            />
          ) : (
            <Nothing store={store} />
          )}
          {hasEntries && isLive && <p class="going-on">{nowDoing(state.summary.cells.running, agents.agents)}</p>}
        </main>
        {state.summary.startedAt !== null && <Rail run={state} live={isLive} goTo={navigation.goTo} />}
      </div>
      {isLive && <SteerBar run={id} canSteer={stream.canSteer && connection.is === 'open'} {...agents} />}
      {hasEntries && isLive && !navigation.following && (
        <button type="button" class="resume" onClick={() => navigation.run('follow')}>
          ↓ Follow
        </button>
      )}
      <p class="sr-only" role="status" aria-live="polite">
        {stream.caughtUp ? `${status}, ${state.summary.cells.failed} failed, ${state.summary.findings} findings` : ''}
      </p>
      {helping && <Help onClose={() => setHelping(false)} />}
      {figure && <Lightbox {...figure} onClose={() => setFigure(null)} />}
    </>
  )
}

function Nothing({ store: { connection, stream } }: { store: RunStore }) {
  if (connection.is === 'refused' && connection.status === 404)
    return (
      <Empty title="There is no such run" tone="error">
        <p>
          Its folder is not among those that this page shows. <a href="#/">All runs</a>
        </p>
      </Empty>
    )
  if (connection.is === 'refused' || connection.is === 'gone' || connection.is === 'reconnecting')
    return <Empty title="Nothing could be read yet" tone="error" />
  if (!stream.caughtUp) return <Empty title="Reading the log …" tone="busy" />
  return stream.live ? (
    <Empty title="The run has begun" tone="busy">
      <p>Its sandbox is being prepared. What the agent says and does stands here as it happens.</p>
    </Empty>
  ) : (
    <Empty title="Nothing happened in this run">
      <p>Its log ends before anything was said or run.</p>
    </Empty>
  )
}

function nowDoing(running: number, agents: readonly string[]): string {
  if (running > 0) return 'A cell is running …'
  return agents.length === 0 ? 'Seer is at work …' : 'The agent is at work …'
}

function useTitle(experiment: string | null, status: string): void {
  useEffect(() => {
    document.title = experiment === null ? 'Seer' : `${neutralise(experiment)} · ${status} · Seer`
  }, [experiment, status])
}
