/**
 * A connection to a sandbox's host that outlives its relays: when one is lost, another is started and the request is sent again.
 * That is safe because every method of the protocol may be repeated (see `repeat` in protocol.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SeerError } from '../errors.ts'
import { Channel, type ByteStream } from './channel.ts'
import { PROTOCOL_VERSION, type MethodName, type Params, type Result } from './protocol.ts'

/** A host that is stopped or starved may come back; one that refuses three relays in a row is gone. */
const PATIENCE_MS = 180_000
const REFUSALS = 3
const RECONNECT_DELAY_MS = 400

export interface Connection {
  request<M extends MethodName>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>>
}

export class HostConnection implements Connection {
  readonly #open: () => Promise<ByteStream>
  readonly #notice: (text: string) => void
  #channel: Promise<Channel> | undefined
  #closed = false

  /** `open` starts a relay; `notice` is told when a connection was lost and found again. */
  constructor(open: () => Promise<ByteStream>, notice: (text: string) => void) {
    this.#open = open
    this.#notice = notice
  }

  async request<M extends MethodName>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>> {
    const startedAt = performance.now()
    for (;;) {
      const channel = await this.#connected()
      try {
        return await channel.request(method, params, signal)
      } catch (error) {
        if (!isLost(error) || this.#closed) throw error
        if (performance.now() - startedAt > PATIENCE_MS) throw sandboxLost('it has not answered for three minutes', error)
        this.#drop(channel)
      }
    }
  }

  /** Ends the relay, not the host. */
  close(): void {
    this.#closed = true
    void this.#channel?.then(
      (channel) => channel.close(),
      () => undefined,
    )
  }

  #connected(): Promise<Channel> {
    if (this.#closed) throw new SeerError('channel-closed', { message: 'The sandbox has been terminated.' })
    this.#channel ??= this.#connect().catch((error: unknown) => {
      this.#channel = undefined
      throw error
    })
    return this.#channel
  }

  #drop(channel: Channel): void {
    channel.close()
    const dropped = this.#channel
    void dropped?.then((current) => {
      if (current !== channel || this.#channel !== dropped) return
      this.#channel = undefined
      this.#notice('The connection to the sandbox was lost; connecting again. Nothing that was printed is lost.')
    })
    // Same tick for callers that ask again at once: a closed channel answers every request with channel-closed.
  }

  async #connect(): Promise<Channel> {
    for (let refusals = 1; ; refusals++) {
      try {
        const channel = new Channel(await this.#open())
        const { protocol } = await channel.request('host/hello', {})
        if (protocol !== PROTOCOL_VERSION) throw new SeerError('protocol-version', { message: `The sandbox's host speaks protocol ${protocol}, this Seer ${PROTOCOL_VERSION}.`, endsRun: true })
        return channel
      } catch (error) {
        if (this.#closed || (error instanceof SeerError && error.endsRun)) throw error
        if (refusals >= REFUSALS) throw sandboxLost('its host process does not answer', error)
        await sleep(RECONNECT_DELAY_MS * refusals)
      }
    }
  }
}

function isLost(error: unknown): boolean {
  return error instanceof SeerError && (error.code === 'channel-closed' || error.code === 'channel-deadline')
}

function sandboxLost(why: string, cause: unknown): SeerError {
  return new SeerError('sandbox-lost', {
    message: `The sandbox is gone: ${why}.`,
    hint: 'Everything received so far is in the run folder. Start the experiment again for a new sandbox.',
    cause,
    endsRun: true,
  })
}
