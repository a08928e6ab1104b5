import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, expect, test } from 'vitest'
import { stampAll } from '../../test/generate-log.ts'
import type { RunEvent } from '../run/events.ts'
import { renderEvents } from './render-events.ts'
import { lookOf } from './story/look.ts'

const folder = mkdtempSync(join(tmpdir(), 'seer-render-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const [event] = stampAll([{ type: 'agent-end', by: 'agent:explorer', reason: 'finished' }])

test('writes what an event adds', () => {
  const written: string[] = []
  const out = new Writable({ write: (chunk: Buffer, _, done) => (written.push(chunk.toString()), done()) })
  renderEvents(out, { color: false })(event as RunEvent)
  expect(written).toEqual(['explorer finished\n'])
})

test('an output whose reader has gone is written to no more, and nothing is thrown', async () => {
  let writes = 0
  const out = new Writable({
    write: (_, __, done) => ((writes += 1), done(Object.assign(new Error('EPIPE'), { code: 'EPIPE' }))),
  })
  const render = renderEvents(out)
  render(event as RunEvent)
  await new Promise((resolved) => setImmediate(resolved))
  render(event as RunEvent)
  expect(writes).toBe(1)
})

test.for([
  [{ isTTY: true }, {}, true],
  [{ isTTY: true }, { NO_COLOR: '1' }, false],
  [{ isTTY: true }, { TERM: 'dumb' }, false],
  [{}, {}, false],
  [{}, { FORCE_COLOR: '1' }, true],
] as const)('%j with %j: colours %s', ([out, env, expected]) =>
  expect(lookOf(out, { env }).colors.isColorSupported).toBe(expected),
)

test.for([
  [undefined, 100],
  [0, 100],
  [10, 24],
  [80, 80],
  [400, 140],
] as const)('%s columns are taken as %s', ([columns, width]) =>
  expect(lookOf(columns === undefined ? {} : { columns }).width).toBe(width),
)

test('a window that is resized counts from the next event on', () => {
  const out = { columns: 80 }
  const look = lookOf(out)
  out.columns = 60
  expect(look.width).toBe(60)
})

test('a run whose stdout is closed by `head` goes on to its end', async () => {
  const script = resolve(import.meta.dirname, '../../test/sample-run.ts')
  const command = `"${process.execPath}" --conditions=seer-source "${script}" "${folder}" --watch; echo "exit $?" >&2`
  const shell = spawn('sh', ['-c', `{ ${command}; } | head -n 1`], { stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  shell.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  shell.stdout.resume()
  await new Promise((closed) => shell.once('close', closed))
  expect(said).toBe('exit 0\n')
  const [name] = readdirSync(folder)
  expect(JSON.parse(readFileSync(join(folder, name!, 'run.json'), 'utf8'))).toMatchObject({
    status: 'completed',
    cells: { started: 6 },
  })
})
