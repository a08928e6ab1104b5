/**
 * The events of a run as they come. The browser's own reconnecting gives up at the first refusal, so this one closes and opens
 * anew, from the last event that was received: nothing is lost and nothing comes twice.
 */
import type { StreamState } from '../wire.ts'

/** `refused`: the server is there and will not; `code` says whether it makes sense to wait. */
export type Connection =
  | { is: 'connecting' }
  | { is: 'open' }
  | { is: 'reconnecting'; attempts: number }
  | { is: 'refused'; status: number }
  | { is: 'gone'; why: string }

export interface StreamListener {
  /** The text of a batch: parsed by whoever has the time for it. */
  readonly onBatch: (json: string) => void
  readonly onState: (state: StreamState) => void
  readonly onConnection: (connection: Connection) => void
}

const FIRST_WAIT_MS = 300
const MAX_WAIT_MS = 4000

export function openEventStream(url: string, { onBatch, onState, onConnection }: StreamListener): () => void {
  let source: EventSource | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let from = ''
  let attempts = 0
  let closed = false

  const open = () => {
    if (closed) return
    source = new EventSource(from === '' ? url : `${url}?from=${encodeURIComponent(from)}`)
    source.addEventListener('open', () => {
      attempts = 0
      onConnection({ is: 'open' })
    })
    source.addEventListener('batch', (event: MessageEvent<string>) => {
      from = event.lastEventId
      onBatch(event.data)
    })
    source.addEventListener('state', (event: MessageEvent<string>) => onState(JSON.parse(event.data) as StreamState))
    source.addEventListener('gone', (event: MessageEvent<string>) => {
      close()
      onConnection({ is: 'gone', why: (JSON.parse(event.data) as { why: string }).why })
    })
    source.addEventListener('error', () => {
      const refused = source?.readyState === EventSource.CLOSED
      source?.close()
      if (!closed) void again(refused)
    })
  }

  const again = async (refused: boolean) => {
    attempts += 1
    const status = refused ? await statusOf(url) : 0
    if (closed) return
    onConnection(status >= 400 ? { is: 'refused', status } : { is: 'reconnecting', attempts })
    timer = setTimeout(open, Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** (attempts - 1)))
  }

  const close = () => {
    closed = true
    clearTimeout(timer)
    source?.close()
  }

  onConnection({ is: 'connecting' })
  open()
  return close
}

/** An EventSource does not say why it was refused; 0: nobody answers. */
async function statusOf(url: string): Promise<number> {
  const asked = new AbortController()
  try {
    const { status } = await fetch(url, { signal: asked.signal })
    return status
  } catch {
    return 0
  } finally {
    asked.abort()
  }
}
