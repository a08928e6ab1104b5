/** Writes to a terminal or pipe that may be closed by its reader (`seer run … | head`): the run goes on without being told. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly writableNeedDrain?: boolean
  write(text: string | Uint8Array): boolean
  on(event: 'error' | 'drain' | 'close', listener: () => void): unknown
}

export interface SafeWriter {
  (text: string | Uint8Array): void
  /** Nobody reads any more. */
  readonly closed: boolean
  /** Resolves when the reader has caught up: whoever writes much waits for it, so that nothing piles up in memory. */
  drained(): Promise<void>
}

interface Watch {
  closed: boolean
  waiting: (() => void)[]
}

const watches = new WeakMap<Output, Watch>()

export function safeWriter(out: Output): SafeWriter {
  const watch = watchOf(out)
  const write = (text: string | Uint8Array) => {
    if (watch.closed) return
    try {
      out.write(text)
    } catch {
      watch.closed = true
    }
  }
  const drained = () =>
    new Promise<void>((resolve) => {
      if (watch.closed || out.writableNeedDrain !== true) resolve()
      else watch.waiting.push(resolve)
    })
  return Object.defineProperty(Object.assign(write, { drained }), 'closed', { get: () => watch.closed }) as SafeWriter
}

function watchOf(out: Output): Watch {
  const known = watches.get(out)
  if (known) return known
  const watch: Watch = { closed: false, waiting: [] }
  watches.set(out, watch)
  const wake = () => watch.waiting.splice(0).forEach((resolve) => resolve())
  const close = () => {
    watch.closed = true
    wake()
  }
  // A closed pipe (EPIPE) or a terminal that has gone (EIO): an error without a listener would end the process.
  out.on('error', close)
  out.on('close', close)
  out.on('drain', wake)
  return watch
}
