/** Writes to a terminal or pipe that may be closed by its reader (`seer run … | head`): the run goes on without being told. */
export interface Output {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): boolean
  on(event: 'error', listener: (error: Error) => void): unknown
}

export interface SafeWriter {
  (text: string): void
  /** Nobody reads any more. */
  readonly closed: boolean
}

const closed = new WeakSet<Output>()
const watched = new WeakSet<Output>()

export function safeWriter(out: Output): SafeWriter {
  if (!watched.has(out)) {
    watched.add(out)
    // A closed pipe (EPIPE) or a terminal that has gone (EIO): an error without a listener would end the process.
    out.on('error', () => closed.add(out))
  }
  const write = (text: string) => {
    if (closed.has(out)) return
    try {
      out.write(text)
    } catch {
      closed.add(out)
    }
  }
  return Object.defineProperty(write, 'closed', { get: () => closed.has(out) }) as SafeWriter
}
