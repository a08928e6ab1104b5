/** The screen of `seer attach`: what happens in the run, above the line that is being typed. */
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { clearLine, cursorTo, type Interface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { lookOf } from '../harness/story/look.ts'
import { openStory } from '../harness/story/state.ts'
import { storyLines } from '../harness/story/story.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { parseEvent } from '../run/events.ts'
import { followLog } from '../viewer/follow-log.ts'

export interface Screen {
  /** Above the line that is being typed. */
  readonly say: (text: string) => void
  /** For the next line, or for more of what is not whole yet. */
  readonly ask: (isMore: boolean) => void
  /** Tells what happens from now on. Resolves when the run has ended, or its log has gone. */
  readonly follow: (folder: string, signal: AbortSignal) => Promise<void>
  /** Resolves when all that was there before has been read. */
  readonly ready: Promise<void>
  /** Resolves when all has been told that is in the log now, or soon after. */
  readonly settled: (folder: string) => Promise<void>
}

const SETTLE_MS = 3000
const LOOK_MS = 20

export function openScreen(lines: Interface, isTerminal: boolean): Screen {
  const ready = Promise.withResolvers<undefined>()
  let isOpen = true
  let toldTo = 0
  lines.once('close', () => (isOpen = false))
  const print = (text: string) => {
    if (isTerminal) {
      cursorTo(process.stdout, 0)
      clearLine(process.stdout, 0)
    }
    process.stdout.write(`${text}\n`)
    if (isTerminal && isOpen) lines.prompt(true)
  }

  async function follow(folder: string, signal: AbortSignal): Promise<void> {
    const story = openStory(lookOf(process.stdout, {}), { live: true, folder })
    let isCaughtUp = false
    for await (const followed of followLog(folder, { offset: 0, seq: 0 }, signal)) {
      if (followed.kind === 'gone') return
      if (followed.kind === 'state') {
        if (!followed.caughtUp) continue
        isCaughtUp = true
        ready.resolve(undefined)
        if (!followed.live) return
        continue
      }
      // What was before is read, for what is known of it, and not told.
      const told = followed.events.flatMap((event) => {
        const parsed = parseEvent(JSON.parse(event))
        return parsed.kind === 'invalid' ? [] : storyLines(story, parsed.event)
      })
      if (isCaughtUp && told.length > 0) print(told.join('\n'))
      toldTo = followed.place.offset
    }
  }
  return {
    say: (text) => print(neutralise(text)),
    ask(isMore) {
      if (!isTerminal || !isOpen) return
      lines.setPrompt(isMore ? '... ' : '>>> ')
      lines.prompt()
    },
    follow: (folder, signal) => follow(folder, signal).finally(() => ready.resolve(undefined)),
    ready: ready.promise,
    async settled(folder) {
      const { size } = statSync(join(folder, 'events.jsonl'))
      const until = performance.now() + SETTLE_MS
      const isSettled = () => toldTo >= size || performance.now() > until
      while (!isSettled()) await sleep(LOOK_MS)
    },
  }
}
