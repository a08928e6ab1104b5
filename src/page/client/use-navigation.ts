/** Where the reader is in a run, and how they get elsewhere: jumps, links to cells, following. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { anchorId } from '../view.ts'
import { findLandmark, type Landmark } from './find-next.ts'
import { openFollow, type Follow } from './follow.ts'
import { listenToKeys, type Command } from './keyboard.ts'
import type { OpenPlaces } from './open-places.ts'
import type { RunStore } from './run-store.ts'
import type { TimelineHandle } from './timeline-view.tsx'
import { toggleFolds } from './toggle-folds.ts'

const JUMPS: Partial<Record<Command, [Landmark, 1 | -1]>> = {
  'next-cell': ['cell', 1],
  'previous-cell': ['cell', -1],
  'next-error': ['error', 1],
  'previous-error': ['error', -1],
  'next-figure': ['figure', 1],
  'previous-figure': ['figure', -1],
  'next-finding': ['finding', 1],
  'previous-finding': ['finding', -1],
}

const SETTLED_MS = 500

export interface NavigationOptions {
  readonly store: RunStore
  readonly places: OpenPlaces
  /** Of the cell that the address names. */
  readonly anchor: string | null
  readonly showHelp: () => void
}

export function useNavigation({ store, places, anchor, showHelp }: NavigationOptions) {
  const [current, setCurrent] = useState<number | null>(null)
  const [following, setFollowing] = useState(false)
  const follow = useRef<Follow | null>(null)
  const list = useRef<TimelineHandle | null>(null)
  const here = useRef<number | null>(null)

  const goTo = useCallback((index: number) => {
    follow.current?.set(false)
    here.current = index
    setCurrent(index)
    list.current?.goTo(index)
    // It may have to be drawn first.
    setTimeout(
      () =>
        list.current?.elementOf(index)?.querySelector<HTMLElement>('[tabindex="-1"]')?.focus({ preventScroll: true }),
      50,
    )
  }, [])

  const run = useCallback(
    (command: Command) => {
      const jump = JUMPS[command]
      if (jump) {
        const [kind, step] = jump
        const known = here.current
        const seen = list.current?.firstInSight() ?? 0
        // From what is seen, when the reader has scrolled away from where they had gone.
        const from = known !== null && list.current?.isInSight(known) ? known : step === 1 ? seen - 1 : seen
        const next = findLandmark(store.state, kind, from, step)
        if (next === undefined) return
        if (kind !== 'cell') unfold(store, places, next)
        goTo(next)
      } else if (command === 'follow') {
        follow.current?.set(true)
        // Of a run that has ended there is nothing to follow: only its end, once the heights on the way are known.
        if (!store.stream.live) setTimeout(() => follow.current?.set(false), SETTLED_MS)
      } else if (command === 'help') showHelp()
      else if (command === 'message') document.getElementById('message')?.focus()
      else if (command === 'open') {
        const index = here.current ?? list.current?.firstInSight()
        const element = index === undefined ? null : list.current?.elementOf(index)
        if (element) toggleFolds(element, places)
      }
    },
    [store, places, goTo],
  )

  const goToAnchor = useCallback(
    (name: string) => {
      const { cells, timeline } = store.state
      for (const [key, index] of Object.entries(timeline.cells)) {
        const cell = cells.cells[key]
        if (!cell || anchorId(cell.session, cell.cell) !== name) continue
        places.set(name, true)
        goTo(index)
        return true
      }
      return false
    },
    [store, places, goTo],
  )

  useEffect(() => {
    const opened = openFollow(setFollowing)
    follow.current = opened
    return () => opened.close()
  }, [store])
  useEffect(() => listenToKeys(run), [run])
  useBeginning({ store, anchor, goToAnchor, follow })

  return {
    current,
    following,
    goTo,
    run,
    onHandle: useCallback((handle: TimelineHandle) => void (list.current = handle), []),
    onLayout: useCallback(() => follow.current?.settle(), []),
    /** A second click on the same link changes no address. */
    onClick: useCallback(
      (event: MouseEvent) => {
        const link = event.target instanceof Element ? event.target.closest<HTMLElement>('a[data-cell]') : null
        if (link?.dataset['cell'] && !event.ctrlKey && !event.metaKey) goToAnchor(link.dataset['cell'])
      },
      [goToAnchor],
    ),
  }
}

/** Whoever looks for what failed or was drawn wants to see it, also in a cell that was replaced. */
function unfold({ state: { timeline, cells } }: RunStore, places: OpenPlaces, index: number): void {
  const entry = timeline.entries[index]
  const cell = entry?.kind === 'cell' ? cells.cells[entry.key] : undefined
  if (cell) places.set(anchorId(cell.session, cell.cell), true)
}

interface BeginningOptions {
  store: RunStore
  anchor: string | null
  goToAnchor: (anchor: string) => boolean
  follow: { current: Follow | null }
}

/** A link to a cell leads there as soon as the cell is known; else a run that goes on is followed, and one that ended is read. */
function useBeginning({ store, anchor, goToAnchor, follow }: BeginningOptions): void {
  const begun = useRef<string | null>(null)
  const wanted = anchor ?? ''
  useEffect(() => {
    begun.current = null
    const begin = () => {
      if (begun.current === wanted) return
      if (wanted === '') {
        if (!store.stream.caughtUp || !store.settled) return
        if (store.stream.live) follow.current?.set(true)
      } else if (!goToAnchor(wanted) && !store.stream.caughtUp) return
      begun.current = wanted
    }
    begin()
    return store.subscribe(begin)
  }, [store, wanted])
}
