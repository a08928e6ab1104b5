/** The default telling of what happens, on the terminal, while it happens. */
import type { ReadBlob } from '../notebook/stream-text.ts'
import type { RunEvent } from '../run/events.ts'
import { openStatusLine } from '../status-line.ts'
import { openLiveStatus, statusText, takeStatus } from './story/live-status.ts'
import { lookOf } from './story/look.ts'
import { openStory } from './story/state.ts'
import { storyLines } from './story/story.ts'
import { safeWriter, type Output } from './safe-writer.ts'

export interface RenderOptions {
  /** Without it: colours on a terminal, unless NO_COLOR is set. */
  readonly color?: boolean
  /** Reads `artifacts/`, to tell the size of a figure that is kept there. */
  readonly readBlob?: ReadBlob
  /** The run's folder, for the commands that show more. */
  readonly folder?: string
}

/** Takes each event as it comes. Disposed of, it leaves no line that says what is waited for. */
export type EventRenderer = ((event: RunEvent) => void) & Disposable

/** A function that takes each event as it comes and writes what is to be told of it. It never throws. */
export function renderEvents(out: Output = process.stdout, options: RenderOptions = {}): EventRenderer {
  const { color, ...more } = options
  const story = openStory(lookOf(out, { color }), { live: true, ...more })
  const write = safeWriter(out)
  const status = openLiveStatus()
  const line = openStatusLine(
    {
      isTTY: out.isTTY === true,
      get columns() {
        return out.columns ?? 80
      },
      write,
    },
    (now) => statusText(status, now),
  )
  const render = (event: RunEvent) => {
    const lines = storyLines(story, event)
    takeStatus(status, event)
    line.hide()
    if (lines.length > 0) write(`${lines.join('\n')}\n`)
  }
  return Object.assign(render, { [Symbol.dispose]: () => line[Symbol.dispose]() })
}
