/** What a served process says is checked, and whoever calls it hears of its end, whatever it does. */
import { expect, test, vi } from 'vitest'
import type { HostStream } from '../channel/streams.ts'
import type { SandboxProcess } from '../environment/exec/sandbox-process.ts'
import type { Call } from './call.ts'
import { encodeFrame, FrameReader } from './frames.ts'
import { InterfaceProcess } from './interface-process.ts'

const description = {
  interface: 1,
  doc: '',
  functions: [
    { name: 'f', doc: '', signature: '()', parameters: [], returns: {}, concurrent: false, seconds: 2 },
    { name: 'g', doc: '', signature: '()', parameters: [], returns: {}, concurrent: true, seconds: 600 },
  ],
}
const call = (name: string): Call => ({ function: name, body: Buffer.from('{}'), buffers: [], data: new Uint8Array() })
const never = new AbortController().signal

function started() {
  const chunks: (Uint8Array | undefined)[] = []
  let wake = () => undefined as void
  const end = Promise.withResolvers<{ exitCode: number | null; signal: string | null; stderr: string }>()
  const sent: Uint8Array[] = []
  async function* input() {
    for (;;) {
      while (chunks.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      const chunk = chunks.shift()
      if (!chunk) return
      yield chunk
    }
  }
  const stream: HostStream = {
    id: 'p:1',
    input: input(),
    write: (bytes) => Promise.resolve(void sent.push(bytes)),
    close: () => undefined,
  }
  const process = { ended: end.promise, kill: () => Promise.resolve() } as unknown as SandboxProcess
  const served = new InterfaceProcess('kit', stream, process)
  const says = (head: object, body = '', data = new Uint8Array()) => {
    chunks.push(Buffer.concat(encodeFrame(head, Buffer.from(body), data)))
    wake()
  }
  return {
    served,
    says,
    heads: () => [...new FrameReader().take(Buffer.concat(sent))].map(({ head }) => head),
    raw(bytes: Uint8Array) {
      chunks.push(bytes)
      wake()
    },
    ends(exitCode: number, stderr = '') {
      end.resolve({ exitCode, signal: null, stderr })
      chunks.push(undefined)
      wake()
    },
  }
}

async function ready() {
  const one = started()
  one.says({ kind: 'ready' }, JSON.stringify(description))
  await one.served.loaded
  return one
}

test('answers come back to their calls, in whatever order', async () => {
  const { served, says, heads } = await ready()
  const [first, second] = [served.call(call('g'), never), served.call(call('g'), never)]
  expect(heads()).toMatchObject([{ id: 1 }, { id: 2 }])
  says({ kind: 'result', id: 2 }, '2')
  says({ kind: 'error', id: 1, error: { kind: 'raised', message: 'no' } })
  expect(await second).toMatchObject({ ok: true, body: Buffer.from('2') })
  expect(await first).toEqual({ ok: false, error: { kind: 'raised', message: 'no' } })
})

test('answers to calls that were never made, and a second answer, are passed over', async () => {
  const { served, says } = await ready()
  const calling = served.call(call('f'), never)
  says({ kind: 'result', id: 99 }, '9')
  says({ kind: 'result', id: 1 }, '1')
  says({ kind: 'result', id: 1 }, '2')
  expect(await calling).toMatchObject({ ok: true, body: Buffer.from('1') })
  expect(await Promise.race([served.ended, Promise.resolve('still there')])).toBe('still there')
})

test.each([
  ['no JSON', '{', undefined],
  ['a body that is nested too deeply', '['.repeat(101) + ']'.repeat(101), undefined],
  ['arrays of other lengths', '1', [4]],
])('%s as a result is an error', async (_, body, buffers) => {
  const { served, says } = await ready()
  const calling = served.call(call('f'), never)
  says({ kind: 'result', id: 1, ...(buffers ? { buffers } : {}) }, body)
  expect(await calling).toMatchObject({ ok: false, error: { kind: 'unserializable' } })
})

test('a function that is not there is not asked for', async () => {
  const { served, heads } = await ready()
  for (const name of ['__class__', 'constructor', 'F', ''])
    expect(await served.call(call(name), never)).toMatchObject({ error: { kind: 'unknown-function' } })
  expect(heads()).toEqual([])
})

test('its end, or garbage from it, ends all that wait, and later calls at once', async () => {
  for (const [how, reason] of [
    [(one: Awaited<ReturnType<typeof ready>>) => one.ends(3), 'exit code 3'],
    [
      (one: Awaited<ReturnType<typeof ready>>) => {
        one.raw(Buffer.from('Traceback (most recent call last)'))
        one.ends(1)
      },
      'it sent a message',
    ],
  ] as const) {
    const one = await ready()
    const calling = one.served.call(call('f'), never)
    how(one)
    expect(await one.served.ended).toContain(reason)
    expect(await calling).toMatchObject({ error: { kind: 'gone', message: expect.stringContaining(reason) as string } })
    expect(await one.served.call(call('g'), never)).toMatchObject({ error: { kind: 'gone' } })
  }
})

test('one that ends before it is ready says how, with what it said; one that fails says why', async () => {
  const early = started()
  early.ends(1, 'Killed\n')
  await expect(early.served.loaded).rejects.toMatchObject({
    code: 'interface-invalid',
    message: expect.stringMatching(/exit code 1[^]*Killed/) as string,
  })
  const failing = started()
  failing.says({
    kind: 'failed',
    error: { kind: 'import-failed', message: 'NameError: x', traceback: 'kit.py, line 1' },
  })
  failing.ends(1)
  await expect(failing.served.loaded).rejects.toThrow(/NameError: x\nkit.py, line 1/)
  const wrong = started()
  wrong.says({ kind: 'ready' }, JSON.stringify({ ...description, functions: [] }))
  wrong.ends(0)
  await expect(wrong.served.loaded).rejects.toMatchObject({ code: 'interface-invalid' })
})

test('a call that is too slow, or given up, is cancelled; while it goes on, others are told instead of waiting', async () => {
  vi.useFakeTimers()
  try {
    const { served, says, heads } = await ready()
    const slow = served.call(call('f'), never)
    await vi.advanceTimersByTimeAsync(2000)
    expect(heads().at(-1)).toEqual({ kind: 'cancel', id: 1, why: 'timeout' })
    says({ kind: 'busy', id: 1 })
    await vi.advanceTimersByTimeAsync(1)
    expect(await slow).toMatchObject({ error: { kind: 'timeout' } })
    expect(await served.call(call('f'), never)).toMatchObject({ error: { kind: 'busy' } })
    const beside = served.call(call('g'), never)
    says({ kind: 'result', id: 2 }, '2')
    expect(await beside).toMatchObject({ ok: true })
    says({ kind: 'error', id: 1, error: { kind: 'timeout', message: 'late' } })
    await vi.advanceTimersByTimeAsync(1)
    const stop = new AbortController()
    const given = served.call(call('f'), stop.signal)
    stop.abort()
    expect(heads().at(-1)).toEqual({ kind: 'cancel', id: 3, why: 'cancelled' })
    says({ kind: 'error', id: 3, error: { kind: 'cancelled', message: 'stopped' } })
    await vi.advanceTimersByTimeAsync(1)
    expect(await given).toEqual({ ok: false, error: { kind: 'cancelled', message: 'stopped' } })
  } finally {
    vi.useRealTimers()
  }
})
