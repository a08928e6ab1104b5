/** The entries of a run, of which only those in sight are drawn. Of a short run all are, so that the browser's search finds them. */
import {
  measureElement,
  observeWindowOffset,
  observeWindowRect,
  Virtualizer,
  windowScroll,
  type Range,
  type VirtualizerOptions,
} from '@tanstack/virtual-core'
import type { VNode } from 'preact'
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { EntryView, versionOf } from '../entry.tsx'
import type { RunState } from '../run-state.ts'
import type { View } from '../view.ts'
import { heightEstimator } from './estimate.ts'
import { topHeight } from './top-height.ts'

/** Up to so many entries nothing is left out of the document. */
export const DRAW_ALL = 120

export interface TimelineHandle {
  /** Brings an entry to the top of what is seen. */
  goTo(index: number): void
  /** The first entry that is in sight. */
  firstInSight(): number
  isInSight(index: number): boolean
  elementOf(index: number): HTMLElement | null
}

export interface TimelineViewProps {
  readonly run: RunState
  readonly view: View
  /** Of what was opened and closed by hand. */
  readonly openVersion: number
  readonly current: number | null
  readonly onHandle: (handle: TimelineHandle) => void
  /** After each drawing and each change of a height. */
  readonly onLayout: () => void
}

type List = Virtualizer<Window, HTMLElement>

export function TimelineView({ run, view, openVersion, current, onHandle, onLayout }: TimelineViewProps) {
  const { entries } = run.timeline
  const [, draw] = useState(0)
  const [margin, setMargin] = useState(0)
  const place = useRef<HTMLDivElement>(null)
  const drawn = useRef(new Map<number, { deps: string; vnode: VNode }>())
  // The same functions each time: with others every height would be counted anew.
  const sizes = useMemo(() => {
    const estimateSize = heightEstimator(run)
    return { estimateSize, getItemKey: (index: number) => run.timeline.entries[index]!.seq }
  }, [run])
  const options = (): VirtualizerOptions<Window, HTMLElement> => ({
    count: entries.length,
    getScrollElement: () => window,
    ...sizes,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    measureElement,
    overscan: 6,
    scrollMargin: margin,
    scrollPaddingStart: topHeight() + 16,
    initialRect: { width: window.innerWidth, height: window.innerHeight },
    rangeExtractor: indexesOf,
    onChange: () => {
      draw((n) => n + 1)
      onLayout()
    },
  })
  const [list] = useState<List>(() => new Virtualizer(options()))
  list.setOptions(options())
  useLayoutEffect(() => list._didMount(), [])
  useLayoutEffect(() => list._willUpdate())
  // Not while scrolling, which draws anew with the same view: to ask for places is slow.
  useLayoutEffect(() => {
    const top = place.current ? Math.round(place.current.getBoundingClientRect().top + window.scrollY) : 0
    if (Math.abs(top - margin) > 1) setMargin(top)
    onLayout()
  }, [view])
  useLayoutEffect(() => {
    onHandle(handleOf(list, place))
  }, [])

  const items = list.getVirtualItems()
  const shift = (items[0]?.start ?? margin) - margin
  const inSight = new Set(items.map(({ index }) => entries[index]?.seq))
  for (const seq of drawn.current.keys()) if (!inSight.has(seq)) drawn.current.delete(seq)
  return (
    <div class="entries" ref={place} style={{ height: `${list.getTotalSize()}px` }}>
      <div class="entries-in-sight" style={{ transform: `translateY(${shift}px)` }}>
        {items.map(({ index }) => {
          const entry = entries[index]!
          const isRunning = entry.kind === 'cell' && run.cells.cells[entry.key]?.status === 'running'
          const deps = `${versionOf(entry, run)}|${openVersion}|${index === current}|${isRunning ? `${view.nowMs} ${view.ended}` : ''}`
          const known = drawn.current.get(entry.seq)
          if (known?.deps === deps) return known.vnode
          const vnode = (
            <div key={entry.seq} class={`entry entry-${entry.kind}`} data-index={index} ref={list.measureElement}>
              <EntryView entry={entry} run={run} current={index === current} view={view} />
            </div>
          )
          drawn.current.set(entry.seq, { deps, vnode })
          return vnode
        })}
      </div>
    </div>
  )
}

function indexesOf(range: Range): number[] {
  const all = range.count <= DRAW_ALL
  const first = all ? 0 : Math.max(0, range.startIndex - range.overscan)
  const last = all ? range.count - 1 : Math.min(range.count - 1, range.endIndex + range.overscan)
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i)
}

function handleOf(list: List, place: { current: HTMLElement | null }): TimelineHandle {
  const elementOf = (index: number) => place.current?.querySelector<HTMLElement>(`[data-index="${index}"]`) ?? null
  const isInSight = (index: number) => {
    const box = elementOf(index)?.getBoundingClientRect()
    return box !== undefined && box.bottom > topHeight() + 8 && box.top < window.innerHeight
  }
  return {
    goTo: (index) => list.scrollToIndex(index, { align: 'start' }),
    firstInSight: () => list.getVirtualItems().find(({ index }) => isInSight(index))?.index ?? 0,
    isInSight,
    elementOf,
  }
}
