/**
 * A connection to a sandbox's host that outlives its relays: when one is lost, another is started and the request is sent again.
 * That is safe because every method of the protocol may be repeated (see `repeat` in protocol.ts).
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { SeerError } from '../errors.ts'
import { untilAborted } from '../until-aborted.ts'
import { Channel, type ByteStream } from './channel.ts'
import { methods, PROTOCOL_VERSION, type MethodName, type Params, type Result } from './protocol.ts'

/** A host that is stopped or starved is silent, and may come back; one that refuses three relays in a row is gone. */
const REFUSALS = 3
/** What its own end needs. */
const WHILE_REFUSED = new Set<MethodName>(['host/hello', 'host/keep', 'host/shutdown', 'journal/read', 'blob/read'])
const WAITS = { patienceMs: 180_000, reconnectMs: 400 }
/**
 * What a relay that says nothing takes at most, with the greeting behind it. More time than that has been slept through, by this process
 * or its machine, and is no silence of the host's.
 */
const ATTEMPT_MS = 30_000

export interface Connection {
  request<M extends MethodName>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>>
}

export class HostConnection implements Connection {
  readonly #open: () => Promise<ByteStream>
  readonly #notice: (text: string) => void
  readonly #waits: typeof WAITS
  readonly #closing = new AbortController()
  #channel: Channel | undefined
  #connecting: Promise<Channel> | undefined
  #refusal: SeerError | undefined

  /** `open` starts a relay; `notice` is told when a connection was lost. */
  constructor(open: () => Promise<ByteStream>, notice: (text: string) => void, waits = WAITS) {
    this.#open = open
    this.#notice = notice
    this.#waits = waits
  }

  async request<M extends MethodName>(method: M, params: Params<M>, signal?: AbortSignal): Promise<Result<M>> {
    for (let silentMs = 0; ;) {
      const askedAt = performance.now()
      if (this.#refusal && !WHILE_REFUSED.has(method)) throw this.#refusal
      const channel = await this.#connected(signal)
      try {
        return await channel.request(method, params, signal)
      } catch (error) {
        if (this.#refusal && !WHILE_REFUSED.has(method)) throw this.#refusal
        if (this.#closing.signal.aborted) throw this.#closed()
        if (!isLost(error)) throw error
        this.#drop(channel)
        silentMs += Math.min(performance.now() - askedAt, methods[method].deadlineMs)
        if (silentMs > this.#waits.patienceMs) throw silent(error)
      }
    }
  }

  /** The sandbox is ending, or is let go: from now on whoever asks it for anything, or has asked and waits, is told why. */
  refuse(why: SeerError): void {
    this.#refusal ??= why
  }

  /** Why nothing can be asked of it any more. */
  get refusal(): SeerError | undefined {
    return this.#refusal
  }

  /** Ends the relay, not the host. */
  close(): void {
    this.#closing.abort()
    this.#channel?.close()
  }

  #connected(signal: AbortSignal | undefined): Channel | Promise<Channel> {
    if (this.#closing.signal.aborted) throw this.#closed()
    if (this.#channel) return this.#channel
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined))
    return signal ? untilAborted(this.#connecting, signal) : this.#connecting
  }

  #closed(): SeerError {
    const message = 'The sandbox has been terminated.'
    return this.#refusal ?? new SeerError('sandbox-terminated', { message, endsRun: true })
  }

  #drop(channel: Channel): void {
    channel.close()
    if (this.#channel !== channel) return
    this.#channel = undefined
    try {
      this.#notice('The connection to the sandbox was lost; connecting again. Nothing that was printed is lost.')
    } catch {
      // A log that cannot be written ends the run by itself.
    }
  }

  async #connect(): Promise<Channel> {
    for (let refusals = 0, silentMs = 0; ;) {
      const triedAt = performance.now()
      let channel: Channel | undefined
      try {
        channel = new Channel(await this.#open())
        const { protocol } = await channel.request('host/hello', {}, this.#closing.signal)
        if (protocol !== PROTOCOL_VERSION) throw otherVersion(protocol)
        this.#channel = channel
        return channel
      } catch (error) {
        channel?.close()
        if (this.#closing.signal.aborted) throw this.#closed()
        if (error instanceof SeerError && error.endsRun) throw error
        // A relay says its marker once it has reached the host: one that is lost after that was not refused.
        if (!isSilence(error) && !channel) refusals += 1
        if (refusals >= REFUSALS) throw sandboxLost('its host process does not answer', error)
        silentMs += Math.min(performance.now() - triedAt, ATTEMPT_MS) + this.#waits.reconnectMs
        if (silentMs > this.#waits.patienceMs) throw silent(error)
        await sleep(this.#waits.reconnectMs * Math.max(1, refusals), undefined, { signal: this.#closing.signal }).catch(
          () => undefined,
        )
        if (this.#closing.signal.aborted) throw this.#closed()
      }
    }
  }
}

function isSilence(error: unknown): boolean {
  return error instanceof SeerError && error.code === 'channel-deadline'
}

function isLost(error: unknown): boolean {
  return isSilence(error) || (error instanceof SeerError && error.code === 'channel-closed')
}

function otherVersion(protocol: number): SeerError {
  const message = `The sandbox's host speaks protocol ${protocol}, this Seer ${PROTOCOL_VERSION}.`
  return new SeerError('protocol-version', { message, endsRun: true })
}

function silent(cause: unknown): SeerError {
  return sandboxLost('it has not answered for three minutes', cause)
}

function sandboxLost(why: string, cause: unknown): SeerError {
  return new SeerError('sandbox-lost', {
    message: `The sandbox is gone: ${why}.`,
    hint: 'Everything received so far is in the run folder. Start the experiment again for a new sandbox.',
    cause,
    endsRun: true,
  })
}
