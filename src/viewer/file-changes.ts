/** Waits for a file to change: by the file system's word where it gives one, else by looking again after a while. */
import { watch, type FSWatcher } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long a change may go unseen on a file system that does not tell of it. */
const POLL_MS = 100
/** Changes that come faster are seen together. */
const SETTLE_MS = 20

export interface FileChanges extends Disposable {
  /** Resolves when it is time to look: the file may have changed. */
  next(signal: AbortSignal): Promise<void>
}

export function openFileChanges(path: string): FileChanges {
  let changed = false
  let wake = () => {}
  const watcher = tryWatch(path, () => {
    changed = true
    wake()
  })
  return {
    async next(signal) {
      await sleep(SETTLE_MS)
      if (!changed && !signal.aborted) {
        const { promise, resolve } = Promise.withResolvers<void>()
        wake = resolve
        signal.addEventListener('abort', wake)
        const timer = setTimeout(wake, POLL_MS - SETTLE_MS)
        await promise
        clearTimeout(timer)
        signal.removeEventListener('abort', wake)
      }
      changed = false
    },
    [Symbol.dispose]: () => watcher?.close(),
  }
}

/** There may be none: too many watches, or a file system without them. */
function tryWatch(path: string, onChange: () => void): FSWatcher | undefined {
  try {
    const watcher = watch(path, { persistent: false }, onChange)
    return watcher.on('error', () => watcher.close())
  } catch {
    return undefined
  }
}
