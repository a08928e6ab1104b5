/**
 * A relay process as a byte stream. Everything before the marker line is thrown away: login shells, `srun` and `module load`
 * like to greet, and one greeting would break the framing.
 */
import { randomBytes } from 'node:crypto'
import type { Readable } from 'node:stream'
import { SeerError } from '../errors.ts'
import type { MachineProcess } from '../sandbox/backend.ts'
import type { ByteStream } from './channel.ts'

const MARKER_DEADLINE_MS = 20_000
const STDERR_KEPT = 64 * 1024

export async function openRelay(spawn: (marker: string) => Promise<MachineProcess>): Promise<ByteStream> {
  const marker = `seer-${randomBytes(12).toString('hex')}`
  const relay = await spawn(marker)
  let stderr = ''
  relay.stderr.on('data', (chunk: Buffer) => (stderr = (stderr + chunk.toString()).slice(-STDERR_KEPT)))
  relay.stdin.on('error', () => relay.kill())
  // A connection alone keeps no process alive: what waits for an answer does.
  relay.unref?.()
  try {
    await untilMarker(relay, marker, () => stderr)
  } catch (error) {
    relay.kill()
    throw error
  }
  return { input: relay.stdout, output: relay.stdin, stderrTail: () => stderr, close: () => relay.kill() }
}

async function untilMarker(relay: MachineProcess, marker: string, stderr: () => string): Promise<void> {
  const found = Promise.withResolvers<void>()
  const fail = (why: string, code = 'relay-failed') =>
    found.reject(new SeerError(code, { message: `The relay to the sandbox ${why}. ${stderr().trim()}`.trim() }))
  const timer = setTimeout(
    () => fail(`said nothing for ${MARKER_DEADLINE_MS / 1000} s`, 'channel-deadline'),
    MARKER_DEADLINE_MS,
  )
  void relay.exited.then(({ code, signal }) => fail(`ended (${signal ?? `exit code ${code}`})`))
  const stop = discardUntil(relay.stdout, Buffer.from(`${marker}\n`), () => found.resolve())
  try {
    await found.promise
  } finally {
    clearTimeout(timer)
    stop()
  }
}

/** Reads until `end` has passed, and puts back what came after it. */
function discardUntil(stream: Readable, end: Buffer, done: () => void): () => void {
  let seen = Buffer.alloc(0)
  const onData = (chunk: Buffer) => {
    seen = Buffer.concat([seen, chunk])
    const at = seen.indexOf(end)
    if (at < 0) {
      seen = seen.subarray(Math.max(0, seen.length - end.length))
      return
    }
    stream.off('data', onData)
    stream.pause()
    const rest = seen.subarray(at + end.length)
    if (rest.length > 0) stream.unshift(rest)
    done()
  }
  stream.on('data', onData)
  return () => stream.off('data', onData)
}
