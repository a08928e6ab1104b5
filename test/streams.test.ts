/** Byte streams to and from the code in a real sandbox: exact both ways, whatever becomes of the connection to the host. */
import { createHash, randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { HostStream } from '../src/channel/streams.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { logOf } from './fixtures/run-folder.ts'
import { ownState, startTried, type Tried } from './fixtures/walled.ts'

let root: string
beforeAll(() => (root = ownState()))
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const MB = 1_000_000
const ECHO = `import socket
sock = socket.socket(fileno=0)
while data := sock.recv(65536):
    sock.sendall(data)
print('told to end')`
const echoing = { argv: ['python', '-c', ECHO], spec: { purpose: 'test' } }
const sha = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Writes all, and reads as much. */
async function through(stream: HostStream, bytes: Buffer): Promise<Buffer> {
  const writing = stream.write(bytes)
  const got: Uint8Array[] = []
  let length = 0
  for await (const chunk of stream.input) {
    got.push(chunk)
    length += chunk.byteLength
    if (length >= bytes.length) break
  }
  await writing
  return Buffer.concat(got)
}

async function echo(stream: HostStream): Promise<void> {
  try {
    for await (const bytes of stream.input) await stream.write(bytes)
  } catch {
    // It has closed the connection, or the sandbox has ended.
  }
  stream.close()
}

const relays = () => processesOf(root).filter(({ kind }) => kind === 'relay')
async function killRelays(count: number): Promise<void> {
  const killed = new Set<number>()
  while (killed.size < count) {
    await until('a new relay', () => relays().some(({ pid }) => !killed.has(pid)))
    await sleep(100)
    for (const { pid } of relays()) {
      process.kill(pid, 'SIGKILL')
      killed.add(pid)
    }
  }
}

describe.each([{ unconfined: false }, { unconfined: true }])('%j', (config) => {
  let one: Tried
  beforeAll(async () => {
    one = await startTried(config)
  })
  afterAll(async () => {
    await one[Symbol.asyncDispose]()
  })

  test('a process whose stdin is a stream: 10 MB both ways, and its end', async () => {
    const { process, stream } = await one.sandbox.startStream(echoing.argv, echoing.spec)
    const bytes = randomBytes(10 * MB)
    expect(sha(await through(stream, bytes))).toBe(sha(bytes))
    stream.close()
    expect(await process.ended).toMatchObject({ exitCode: 0, stdout: 'told to end\n' })
    await expect(stream.write(bytes)).rejects.toMatchObject({ code: 'stream-ended' })
  })

  test('relays that are killed in the middle: two at once, each byte once', async () => {
    const all = await Promise.all([1, 2].map(() => one.sandbox.startStream(echoing.argv, echoing.spec)))
    const streams = all.map(({ stream }) => stream)
    const killing = killRelays(4)
    const over = new AbortController()
    void killing.finally(() => over.abort())
    for (let rounds = 0; !over.signal.aborted || rounds < 2; rounds++) {
      const sent = streams.map(() => randomBytes(3 * MB))
      const got = await Promise.all(streams.map((stream, i) => through(stream, sent[i]!)))
      expect(got.map(sha)).toEqual(sent.map(sha))
    }
    await killing
    const lost = (await logOf(one.run.folder)).of('notice-add').filter(({ code }) => code === 'connection-lost')
    expect(lost.length).toBeGreaterThanOrEqual(4)
    for (const { process, stream } of all) {
      stream.close()
      expect(await process.ended).toMatchObject({ exitCode: 0, stdout: 'told to end\n' })
    }
  })

  test('a process that ends by itself ends its stream; what it said last is there', async () => {
    const code = `import socket; socket.socket(fileno=0).sendall(b'x' * ${2 * MB})`
    const { stream } = await one.sandbox.startStream(['python', '-c', code], { purpose: 'test' })
    const got = Buffer.concat(await Array.fromAsync(stream.input))
    expect(sha(got)).toBe(sha(Buffer.alloc(2 * MB, 'x')))
    await expect(stream.write(Buffer.from('x'))).rejects.toMatchObject({ code: 'stream-ended' })
  })

  test('one that cannot be started is told as any other', async () => {
    const starting = one.sandbox.startStream(['no-such-program'], { purpose: 'test' })
    await expect(starting).rejects.toMatchObject({ code: 'process-not-started' })
  })

  test('a cell speaks to whoever listens for its session', async () => {
    const { sandbox, session } = one
    const connect = `import hashlib, os, socket, threading
def ask(data):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(os.environ["SEER_CALLS"])
    threading.Thread(target=sock.sendall, args=(data,)).start()
    got = b""
    while len(got) < len(data) and (more := sock.recv(1 << 20)):
        got += more
    sock.close()
    return got == data`
    await one.says(connect)
    await expect(one.says('ask(b"x")')).rejects.toThrow(/FileNotFoundError/)
    const seen: HostStream[] = []
    const { path } = await sandbox.streams.listen(session.sessionId, (stream) => {
      seen.push(stream)
      void echo(stream)
    })
    expect(await one.says('print(os.environ["SEER_CALLS"])')).toBe(path)
    expect(await one.says('print(ask(b"hello"), ask(os.urandom(3_000_000)))')).toBe('True True')
    expect(new Set(seen.map(({ id }) => id)).size).toBe(2)
    await one.says('sock = socket.socket(socket.AF_UNIX); sock.connect(os.environ["SEER_CALLS"])')
    await until('it', () => seen.length === 3)
    await sandbox.streams.unlisten(session.sessionId)
    expect(await Array.fromAsync(seen[2]!.input)).toEqual([])
    expect(await one.says('print(sock.recv(1))')).toBe("b''")
    await expect(one.says('ask(b"x")')).rejects.toThrow(/FileNotFoundError/)
    // Made anew. With its kernel end the connections that it had.
    await sandbox.streams.listen(session.sessionId, (stream) => void seen.push(stream))
    await one.says('sock = socket.socket(socket.AF_UNIX); sock.connect(os.environ["SEER_CALLS"])')
    await until('it', () => seen.length === 4)
    expect((await session.exec('os._exit(0)')).status).toBe('died')
    expect(await Array.fromAsync(seen[3]!.input)).toEqual([])
  })
})

test.each(['terminate', 'detach'] as const)(
  '%s: streams end with the reason, and Seer waits for nothing',
  async (how) => {
    await using one = await startTried({ unconfined: false })
    const { process, stream } = await one.sandbox.startStream(echoing.argv, echoing.spec)
    await one.sandbox.streams.listen('s9', () => undefined)
    const reading = Array.fromAsync(stream.input)
    await one.sandbox[how]()
    const code = how === 'detach' ? 'sandbox-detached' : 'sandbox-terminated'
    expect(await reading).toEqual([])
    await expect(stream.write(Buffer.from('x'))).rejects.toMatchObject({ code })
    await expect(one.sandbox.streams.listen('s9', () => undefined)).rejects.toMatchObject({ code })
    await expect(process.ended).rejects.toMatchObject({ code })
    stream.close()
  },
)
