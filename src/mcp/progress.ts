/** Tells a client, while its call goes on, that it does, and what the running cell printed last. */
import type { EventQueue } from '../run/event-queue.ts'
import type { Run } from '../run/run.ts'
import { lastLine } from './last-line.ts'

const EVERY_MS = 500
/** Also where nothing is printed: clients give up on calls that say nothing for long. */
const HEARTBEAT_MS = 5000

export type TellProgress = (progress: number, message: string) => Promise<void>

/** Until disposed of. What cannot be told is not told. */
export function showProgress(run: Run, session: string | undefined, tell: TellProgress): Disposable {
  const startedAt = performance.now()
  const events = run.events()
  let news: string | undefined
  let said = 'It goes on.'
  let toldAt = startedAt

  const timer = setInterval(() => {
    const now = performance.now()
    if (news === undefined && now - toldAt < HEARTBEAT_MS) return
    said = news ?? said
    news = undefined
    toldAt = now
    // Seconds: a number that always grows.
    tell((now - startedAt) / 1000, said).catch(() => undefined)
  }, EVERY_MS)
  timer.unref()
  void follow(events, session, (line) => (news = line))
  return {
    [Symbol.dispose]() {
      clearInterval(timer)
      void events.return()
    },
  }
}

async function follow(events: EventQueue, session: string | undefined, onLine: (line: string) => void): Promise<void> {
  for await (const event of events) {
    if (event.session === undefined || event.session !== session) continue
    if (event.type === 'cell-start' && !event.hidden) onLine(`${event.cell} runs.`)
    const line = event.type === 'cell-output' ? lastLine(event.output) : undefined
    if (line !== undefined) onLine(line)
  }
}
