/** A page that follows a run: nothing twice and nothing missing, whatever happens to page, server, writer and log. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { Run } from '../src/run/run.ts'
import { repository } from './fixtures/place.ts'
import { START } from './fixtures/memory-run.ts'
import { until } from './fixtures/processes.ts'
import { logOf } from './fixtures/run-folder.ts'
import { writeSampleRun } from './sample-run.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { startServer, type Asker, type Page } from './viewer-client.ts'

let outputDir: string
let server: Asker
beforeEach(async () => {
  outputDir = temporaryFolder('seer-follow-')
  server = await startServer(outputDir)
})

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
const caughtUp = (page: Page) => until('the end of the log', () => page.states.at(-1)?.caughtUp)
const last = (page: Page) => page.states.at(-1)
const says = (text: string) => ({ type: 'agent-message', by: 'agent:main', role: 'assistant', text }) as const

/** A process of its own that writes to a run until it is killed. */
async function writer(folder: string): Promise<ChildProcess> {
  const code = `
    const { Run } = await import(${JSON.stringify(join(repository, 'src/run/run.ts'))})
    const run = Run.create(${JSON.stringify(folder)}, ${JSON.stringify(START)})
    for (let n = 0; ; n++) {
      run.emit({ ...${JSON.stringify(says(''))}, text: 'word '.repeat(n % 50) })
      if (n % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    }`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  await until('the log', () => {
    try {
      return readFileSync(join(folder, 'events.jsonl')).length > 1000
    } catch {
      return false
    }
  })
  return child
}

test('an ended run: all of it, and that nobody writes to it', async () => {
  const folder = await writeSampleRun(outputDir)
  const page = await server.page(basename(folder))
  await caughtUp(page)
  const { events } = await logOf(folder)
  expect(page.batches.flatMap((batch) => batch.events)).toEqual(events)
  expect(page.states).toEqual([
    { live: false, caughtUp: false, canSteer: false },
    { live: false, caughtUp: true, canSteer: false },
  ])
  expect(page.id).toBe(`${readFileSync(join(folder, 'events.jsonl')).length}:${events.length}`)
})

test('a living run: what is new comes soon, and its writer can be told something', async () => {
  const run = Run.create(join(outputDir, 'r'), START)
  const page = await server.page('r')
  await until('a writer that answers', () => last(page)?.canSteer)
  expect(page.seqs).toEqual([1])
  const delays: number[] = []
  for (const n of upTo(40)) {
    const startedAt = performance.now()
    run.emit(says(`${n}`))
    await until('it', () => page.seqs.length === n + 1)
    delays.push(performance.now() - startedAt)
  }
  delays.sort((a, b) => a - b)
  // From the log to here; the screen's 300 ms must have room for more than this.
  expect(delays[Math.floor(delays.length * 0.95)]).toBeLessThan(150)
  await run.end('completed')
  await until('its end', () => last(page)?.live === false)
  expect(last(page)).toEqual({ live: false, caughtUp: true, canSteer: false })
  expect(page.seqs).toEqual(upTo(42))
})

test('pages that come and go, and a server that starts anew, while a process writes', { timeout: 60_000 }, async () => {
  const folder = join(outputDir, 'r')
  const child = await writer(folder)
  const whole = await server.page('r')
  const parts: number[] = []
  let id: string | undefined
  let { port } = server
  for (const round of upTo(8)) {
    const page = await server.page('r', id === undefined ? {} : { id })
    expect(page.status).toBe(200)
    await until('something new', () => page.batches.length > round % 3)
    if (round % 3 === 0) {
      await server.viewer.close()
      server = await startServer(outputDir, { port })
      port = server.port
    } else page.close()
    await until('the end of the connection', () => page.ended)
    parts.push(...page.seqs)
    id = page.id
  }
  child.kill('SIGKILL')
  await once(child, 'exit')
  const rest = await server.page('r', { id: id! })
  await until('that nobody writes any more', () => last(rest)?.live === false && last(rest)?.caughtUp)
  parts.push(...rest.seqs)
  const { events } = await logOf(folder)
  expect(events.length).toBeGreaterThan(100)
  expect(parts).toEqual(upTo(events.length))
  expect(whole.seqs).toEqual(upTo(whole.seqs.length))
})

test('a writer that is killed in the middle of a line', async () => {
  const folder = join(outputDir, 'r')
  const child = await writer(folder)
  const page = await server.page('r')
  await until('that it is live', () => last(page)?.live)
  child.kill('SIGKILL')
  await once(child, 'exit')
  appendFileSync(join(folder, 'events.jsonl'), '{"seq":')
  await until('that it is not', () => last(page)?.live === false)
  await until('the torn end', () => page.problems.includes('torn'))
  const { events } = await logOf(folder)
  expect(page.seqs).toEqual(upTo(events.length))
  const { text } = await server.ask('/api/runs')
  expect(JSON.parse(text)).toMatchObject({ runs: [{ id: 'r', status: 'crashed', live: false }] })
})

test('two pages at once see the same', async () => {
  const run = Run.create(join(outputDir, 'r'), START)
  const pages = await Promise.all([server.page('r'), server.page('r')])
  for (const n of upTo(300)) {
    run.emit(says(`${n}`))
    if (n % 50 === 0) await sleep(10)
  }
  await run.end('completed')
  for (const page of pages) {
    await until('the end', () => page.seqs.length === 302)
    expect(page.seqs).toEqual(upTo(302))
  }
})

test('what nobody knows, and what is damaged, comes as what it is', async () => {
  mkdirSync(join(outputDir, 'r'))
  const line = (seq: number, type: string, more: object = {}) =>
    `${JSON.stringify({ seq, at: '2026-01-01T00:00:00.000Z', type, run: 'r', by: 'system', ...more })}\n`
  const text = [
    line(1, 'future-thing', { star: '<b>\u2028\r\n</script>' }),
    'rubbish\n',
    line(3, 'session-end', { reason: 'done' }),
    line(3, 'session-end', { reason: 'again' }),
    line(7, 'session-end', { reason: 7 }),
    line(9, 'session-end', { reason: 'late' }),
    '{"seq":10,',
  ]
  writeFileSync(join(outputDir, 'r/events.jsonl'), text.join(''))
  const page = await server.page('r')
  await caughtUp(page)
  expect(page.seqs).toEqual([1, 3, 9])
  expect(page.batches[0]!.events[0]).toMatchObject({ type: 'future-thing', star: '<b>\u2028\r\n</script>' })
  expect(page.problems.sort()).toEqual(['gap', 'invalid', 'invalid', 'repeat', 'torn'])
})

test('a run folder that is deleted while it is watched', async () => {
  const folder = await writeSampleRun(outputDir)
  const page = await server.page(basename(folder))
  await caughtUp(page)
  rmSync(folder, { recursive: true })
  await until('the end of the connection', () => page.ended)
  expect(page.gone).toEqual([expect.stringContaining('deleted')])
  expect((await server.page(basename(folder), { id: page.id! })).status).toBe(404)
})

test('a place that the log does not have', async () => {
  const folder = await writeSampleRun(outputDir)
  const page = await server.page(basename(folder), { id: '7:3' })
  await until('the end of the connection', () => page.ended)
  expect({ seqs: page.seqs, gone: page.gone.length }).toEqual({ seqs: [], gone: 1 })
})

test('a huge log and a page that does not read cost no memory, and nothing is lost', { timeout: 120_000 }, async () => {
  const folder = join(outputDir, 'r')
  mkdirSync(folder)
  const path = join(folder, 'events.jsonl')
  const filler = 'x'.repeat(20_000)
  for (let cell = 0; cell < 5000; cell += 100) {
    const lines = upTo(100).map((n) =>
      JSON.stringify({ ...says(filler), seq: cell + n, at: '2026-01-01T00:00:00.000Z', run: 'r' }),
    )
    appendFileSync(path, `${lines.join('\n')}\n`)
  }
  const page = await server.page('r')
  page.pause()
  await sleep(500)
  globalThis.gc?.()
  const before = process.memoryUsage()
  await sleep(1500)
  const after = process.memoryUsage()
  const grown = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed
  expect(grown).toBeLessThan(30 * 1024 * 1024)
  page.resume()
  await until('the end of the log', () => last(page)?.caughtUp, 60_000)
  expect(page.seqs).toEqual(upTo(5000))
  const sizes = page.batches.map((batch) => JSON.stringify(batch.events).length)
  expect(Math.max(...sizes)).toBeLessThan(300_000)
})

describe('taking part', () => {
  test('what the page says goes into the log, with who said it', async () => {
    let heard: string | undefined
    let interrupts = 0
    const run = Run.create(join(outputDir, 'r'), START)
    run.steering.add({
      role: 'main',
      isRecorded: () => false,
      interrupt: () => void (interrupts += 1),
      send: (text) => void (heard = text),
      tell: () => undefined,
    })
    const ok = { status: 200, text: '{"ok":true}' }
    expect(await server.post('/api/runs/r/message', { text: 'try layer 3\n<b>', agent: 'main' })).toMatchObject(ok)
    expect(heard).toBe('try layer 3\n<b>')
    expect(await server.post('/api/runs/r/interrupt', {})).toMatchObject(ok)
    expect(interrupts).toBe(1)
    expect(run.signal.aborted).toBe(false)
    expect(await server.post('/api/runs/r/stop', {})).toMatchObject(ok)
    expect(run.signal.aborted).toBe(true)
    const log = await logOf(run.folder)
    expect(log.of('run-steer').map(({ action, from, by }) => [action, from, by])).toEqual([
      ['message', 'page', 'researcher'],
      ['interrupt', 'page', 'researcher'],
      ['stop', 'page', 'researcher'],
    ])
    await run.end('interrupted')
  })

  test.each<[string, string, object, number, string]>([
    ['an interrupt while no agent works', 'interrupt', {}, 409, 'agent-none'],
    ['a message to nobody', 'message', { text: 'x' }, 409, 'agent-none'],
    ['what cannot be done', 'delete', {}, 404, 'viewer-unknown'],
    ['more than is asked', 'stop', { now: true }, 400, 'viewer-request'],
  ])('%s is refused', async (_, action, body, status, code) => {
    const run = Run.create(join(outputDir, 'r'), START)
    const answer = await server.post(`/api/runs/r/${action}`, body)
    expect([answer.status, (JSON.parse(answer.text) as { error: { code: string } }).error.code]).toEqual([status, code])
    await run.end('completed')
  })

  test('a run that has ended, one whose writer was killed, and one that is not there', async () => {
    const ended = basename(await writeSampleRun(outputDir))
    const crashed = join(outputDir, 'crashed')
    const child = await writer(crashed)
    child.kill('SIGKILL')
    await once(child, 'exit')
    for (const id of [ended, 'crashed']) {
      const answer = await server.post(`/api/runs/${id}/stop`, {})
      expect([id, answer.status]).toEqual([id, 409])
      expect(JSON.parse(answer.text)).toMatchObject({ error: { code: 'run-not-live' } })
    }
    expect((await server.post('/api/runs/nowhere/stop', {})).status).toBe(404)
  })
})
