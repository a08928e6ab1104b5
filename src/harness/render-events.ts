/** The default telling of what happens, on the terminal, while it happens. */
import type { ReadBlob } from '../notebook/stream-text.ts'
import type { RunEvent } from '../run/events.ts'
import { lookOf } from './story/look.ts'
import { openStory } from './story/state.ts'
import { storyLines } from './story/story.ts'
import { safeWriter, type Output } from './safe-writer.ts'

export interface RenderOptions {
  /** Without it: colours on a terminal, unless NO_COLOR is set. */
  readonly color?: boolean
  /** Reads `artifacts/`, to tell the size of a figure that is kept there. */
  readonly readBlob?: ReadBlob
}

/** A function that takes each event as it comes and writes what is to be told of it. It never throws. */
export function renderEvents(out: Output = process.stdout, options: RenderOptions = {}): (event: RunEvent) => void {
  const story = openStory(lookOf(out, { color: options.color }), {
    live: true,
    ...(options.readBlob ? { readBlob: options.readBlob } : {}),
  })
  const write = safeWriter(out)
  return (event) => {
    const lines = storyLines(story, event)
    if (lines.length > 0) write(`${lines.join('\n')}\n`)
  }
}
