/**
 * A process that has loaded an interface file, and calls of its functions: many at once on one stream, told apart by numbers that are
 * given here. What it answers is checked: arguments come from an agent, and the file may be wrong.
 */
import { z } from 'zod'
import type { HostStream } from '../channel/streams.ts'
import type { ProcessEnd, SandboxProcess } from '../environment/exec/sandbox-process.ts'
import { isAbort, SeerError } from '../errors.ts'
import { computeSchema, type Compute } from '../run/events.ts'
import { callErrorSchema, failed, type Answer, type Call } from './call.ts'
import { descriptionSchema, type Description, type ExposedFunction } from './description.ts'
import { buffersSchema, encodeFrame, fits, FrameError, FrameReader, type Frame } from './frames.ts'
import { problemOfJson } from './json-text.ts'

/** After it was told to stop a call: so long until the caller hears that it goes on all the same. */
const STOP_MS = 7000
/** A longer one would be over at once. */
const MAX_TIMER_MS = 2 ** 31 - 1

const messageSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), compute: computeSchema.optional() }),
  z.object({ kind: z.literal('failed'), error: callErrorSchema }),
  z.object({ kind: z.literal('result'), id: z.int(), buffers: buffersSchema }),
  z.object({ kind: z.literal('error'), id: z.int(), error: callErrorSchema }),
  z.object({ kind: z.literal('busy'), id: z.int() }),
])

/** As far as it is known. */
type End = Partial<Pick<ProcessEnd, 'exitCode' | 'signal' | 'because' | 'stderr'>>

export interface Loaded {
  readonly description: Description
  /** As it came, with every number as Python wrote it. */
  readonly descriptionText: string
  /** On what its numbers are computed. */
  readonly compute: Compute | undefined
}

interface Pending {
  readonly function: ExposedFunction
  readonly answer: (answer: Answer) => void
  /** What its caller is told if it does not stop, once it was told to. */
  stopped: Answer | undefined
  /** Nobody waits for it any more. */
  left: boolean
}

export class InterfaceProcess {
  /** Rejects where the file could not be loaded. */
  readonly loaded: Promise<Loaded>
  /** Why it ended, once it has. */
  readonly ended: Promise<string>
  readonly #name: string
  readonly #stream: HostStream
  readonly #process: SandboxProcess
  readonly #ready = Promise.withResolvers<Loaded>()
  readonly #pending = new Map<number, Pending>()
  #functions = new Map<string, ExposedFunction>()
  #calls = 0
  #gone: string | undefined

  constructor(name: string, stream: HostStream, process: SandboxProcess) {
    this.#name = name
    this.#stream = stream
    this.#process = process
    this.loaded = this.#ready.promise
    this.loaded.catch(() => undefined)
    this.ended = this.#live()
  }

  /** Ends it, also while a call runs. */
  async end(): Promise<void> {
    await this.#process.kill().catch(() => undefined)
    await this.ended
  }

  /** Resolves in every case: what the caller can mend is an answer. `signal` cancels it. */
  call(call: Call, signal: AbortSignal): Promise<Answer> {
    const { promise, resolve } = Promise.withResolvers<Answer>()
    const refusal = this.#refusal(call)
    if (refusal) return Promise.resolve(refusal)
    const exposed = this.#functions.get(call.function)!
    const id = ++this.#calls
    const stop = (why: 'timeout' | 'cancelled') => this.#stop(id, why)
    const timer = setTimeout(() => stop('timeout'), Math.min(exposed.seconds * 1000, MAX_TIMER_MS))
    const onAbort = () => stop('cancelled')
    signal.addEventListener('abort', onAbort, { once: true })
    const answer = (given: Answer) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      resolve(given)
    }
    this.#pending.set(id, { function: exposed, answer, stopped: undefined, left: false })
    const head = { kind: 'call', id, function: call.function, seconds: exposed.seconds, buffers: call.buffers }
    this.#send(head, call.body, call.data)
    if (signal.aborted) onAbort()
    return promise
  }

  #refusal({ function: name }: Call): Answer | undefined {
    if (this.#gone !== undefined) return failed('gone', this.#goneText())
    const exposed = this.#functions.get(name)
    if (!exposed) {
      const names = [...this.#functions.keys()].join(', ')
      return failed('unknown-function', `${this.#name} has no function ${JSON.stringify(name)}. It has: ${names}.`)
    }
    const stuck = [...this.#pending.values()].find(({ left, function: other }) => left && !other.concurrent)
    if (!stuck || exposed.concurrent) return undefined
    const text = `${this.#name}.${stuck.function.name} was told to stop and goes on all the same, and ${name} waits for it.`
    return failed('busy', `${text} Try again later; if it never ends, only the researcher can load the interface anew.`)
  }

  #stop(id: number, why: 'timeout' | 'cancelled'): void {
    const pending = this.#pending.get(id)
    if (!pending || pending.stopped) return
    const { name, seconds } = pending.function
    const what = why === 'timeout' ? `waited and ran for longer than ${seconds} s` : 'was cancelled'
    pending.stopped = failed(why, `${this.#name}.${name} ${what}, and did not end when it was told to stop.`)
    this.#send({ kind: 'cancel', id, why })
    setTimeout(() => this.#leave(id), STOP_MS).unref()
  }

  /** It goes on, and its caller does not wait for it. */
  #leave(id: number): void {
    const pending = this.#pending.get(id)
    if (!pending?.stopped || pending.left) return
    pending.left = true
    pending.answer(pending.stopped)
  }

  #send(head: object, body?: Uint8Array, data?: Uint8Array): void {
    // Its end is noticed where it is read.
    for (const part of encodeFrame(head, body, data)) this.#stream.write(part).catch(() => undefined)
  }

  /** Reads until it ends. Never rejects. */
  async #live(): Promise<string> {
    const reader = new FrameReader()
    let broken: string | undefined
    try {
      for await (const chunk of this.#stream.input) for (const frame of reader.take(chunk)) this.#take(frame)
    } catch (error) {
      broken = `it sent ${error instanceof FrameError ? error.message : 'what cannot be understood'}`
    }
    this.#stream.close()
    const end: End = await this.#process.ended.catch((error: unknown) => ({ because: messageOf(error) }))
    const reason = broken ?? reasonOf(end)
    this.#gone = reason
    this.#ready.reject(notLoaded(this.#name, reason, end.stderr ?? ''))
    for (const { answer } of this.#pending.values()) answer(failed('gone', this.#goneText()))
    this.#pending.clear()
    return reason
  }

  #goneText(): string {
    return `The process that served ${this.#name} has ended (${this.#gone}), and what it held in memory is lost. Only the researcher can load it anew.`
  }

  #take({ head, body, data }: Frame): void {
    const parsed = messageSchema.safeParse(head)
    if (!parsed.success) throw new FrameError('a message of a kind that is not known')
    const message = parsed.data
    switch (message.kind) {
      case 'ready':
        return this.#takeReady(body, message.compute)
      case 'failed':
        return this.#ready.reject(importFailed(this.#name, message.error))
      case 'busy':
        return this.#leave(message.id)
      case 'error':
        return this.#end(message.id, { ok: false, error: message.error })
      case 'result': {
        const problem = fits(message.buffers, data) ? problemOfJson(body) : 'its arrays do not have the lengths it says'
        const text = `The result of ${this.#name} cannot be passed on: ${problem}.`
        const answer: Answer =
          problem === undefined ? { ok: true, body, buffers: message.buffers, data } : failed('unserializable', text)
        return this.#end(message.id, answer)
      }
    }
  }

  #takeReady(body: Buffer, compute: Compute | undefined): void {
    const descriptionText = body.toString('utf8')
    const described = descriptionSchema.parse(JSON.parse(descriptionText))
    this.#functions = new Map(described.functions.map((one) => [one.name, one]))
    this.#ready.resolve({ description: described, descriptionText, compute })
  }

  /** Of numbers that were never given nothing is known, and nobody waits for what was left. */
  #end(id: number, answer: Answer): void {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    if (pending && !pending.left) pending.answer(answer)
  }
}

function reasonOf({ exitCode, signal, because }: End): string {
  if (because !== undefined) return because
  return typeof signal === 'string' ? `signal ${signal}` : `exit code ${exitCode ?? 'unknown'}`
}

/** Without what a researcher is advised to do: agents are told this too. */
function messageOf(error: unknown): string {
  if (isAbort(error)) return 'it was stopped'
  return error instanceof Error ? error.message : String(error)
}

function importFailed(name: string, { message, traceback }: z.infer<typeof callErrorSchema>): SeerError {
  const where = traceback === undefined ? '' : `\n${traceback}`
  return new SeerError('interface-invalid', {
    message: `The interface ${name} could not be loaded: ${message}${where}`,
    hint: 'Correct the file. `seer serve FILE` loads it by itself and shows what it offers.',
  })
}

function notLoaded(name: string, reason: string, stderr: string): SeerError {
  const said = stderr.trim() === '' ? '' : `\nIt said:\n${stderr.trimEnd()}`
  return new SeerError('interface-invalid', {
    message: `The interface ${name} could not be loaded: its process ended (${reason}).${said}`,
    hint: 'If it was ended for its memory, the model may not fit: `seer doctor` says how much there is.',
  })
}
