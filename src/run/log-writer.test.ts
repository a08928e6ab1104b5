import { appendFileSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../test/temporary-folder.ts'
import { SeerError } from '../errors.ts'
import type { EventInput } from './events.ts'
import { readEvents } from './log-reader.ts'
import { openLogWriter } from './log-writer.ts'

const notice = (text: string): EventInput => ({ type: 'notice-add', by: 'system', level: 'info', code: 'test', text })
const end: EventInput = { type: 'run-end', by: 'system', status: 'failed', durationMs: 1 }
let folder: string
let path: string
const options = { run: 'r1' }

beforeEach(() => {
  folder = temporaryFolder('seer log ü ')
  path = join(folder, 'events.jsonl')
})

test('stamps events and writes them as one line each, at once', async () => {
  const log = openLogWriter(path, options)
  expect(log.lastSeq).toBe(0)
  const stamped = log.append(notice('a\nb\u{2028}'))
  expect(stamped).toMatchObject({ seq: 1, run: 'r1', type: 'notice-add', text: 'a\nb\u{2028}' })
  expect(readFileSync(path, 'utf8')).toBe(`${JSON.stringify(stamped)}\n`)
  log.append(notice('c'))
  await log.sync()
  log.close()
  const { events, problems } = await readEvents(path)
  expect(events.map(({ seq }) => seq)).toEqual([1, 2])
  expect(problems).toEqual([])
})

test('goes on where an earlier writer ended', async () => {
  const first = openLogWriter(path, { ...options, firstSeq: 5 })
  first.append(notice('a'))
  first.close()
  const second = openLogWriter(path, options)
  expect(second.lastSeq).toBe(5)
  expect(second.append(notice('b')).seq).toBe(6)
  second.close()
})

test('an event that does not fit its schema is not written, and the next one has its number', () => {
  const log = openLogWriter(path, options)
  expect(() => log.append({ ...notice('a'), level: 'loud' } as unknown as EventInput)).toThrow(SeerError)
  expect(() => log.append({ type: 'no-such', by: 'system' } as unknown as EventInput)).toThrow(/no such type/)
  expect(readFileSync(path, 'utf8')).toBe('')
  expect(log.append(notice('b')).seq).toBe(1)
  log.close()
})

test('nothing that an event brings replaces a stamp, and keys that no schema knows are left out', () => {
  const log = openLogWriter(path, options)
  const forged = { ...notice('a'), seq: 77, at: '1970-01-01T00:00:00.000Z', run: 'other', more: 1 }
  expect(log.append(forged)).toMatchObject({ seq: 1, run: 'r1' })
  expect(log.append(forged)).not.toHaveProperty('more')
  expect(readFileSync(path, 'utf8')).not.toMatch(/1970|other|more/)
  log.close()
})

describe('a torn end', () => {
  const whole = (text: string, seq: number) =>
    `${JSON.stringify({ ...notice(text), seq, at: '2026-01-01T00:00:00.000Z', run: 'r1' })}\n`

  test.each([
    ['half a line', '{"seq":3,"at":"20'],
    ['half a line that holds half a character', Buffer.from([0x7b, 0xe2, 0x82])],
    ['zeros, as a power cut leaves them', Buffer.alloc(5000)],
    ['a line that is not JSON', 'rubbish\n'],
    ['lines that are no events', '{"seq":3}\n[]\nnull\n'],
    ['a long half line', `{"seq":3,"text":"${'x'.repeat(3_000_000)}`],
  ])('%s is moved aside, and writing goes on', async (_, torn) => {
    writeFileSync(path, whole('a', 1) + whole('b', 2))
    appendFileSync(path, torn)
    const log = openLogWriter(path, options)
    expect(log.append(notice('c')).seq).toBe(3)
    log.close()
    const { events, problems } = await readEvents(path)
    expect(events.map((event) => 'text' in event && event.text)).toEqual(['a', 'b', 'c'])
    expect(problems).toEqual([])
    const kept = readFileSync(join(folder, 'events.torn'))
    expect(kept.subarray(0, kept.length - 1)).toEqual(Buffer.from(torn))
  })

  test('of a log that has no whole line is all of it', () => {
    writeFileSync(path, '{"se')
    const log = openLogWriter(path, options)
    expect(log.lastSeq).toBe(0)
    log.close()
    expect(readFileSync(path, 'utf8')).toBe('')
    expect(readFileSync(join(folder, 'events.torn'), 'utf8')).toBe('{"se\n')
  })

  test('twice is kept twice', () => {
    for (const torn of ['one', 'two']) {
      appendFileSync(path, torn)
      openLogWriter(path, options).close()
    }
    expect(readFileSync(join(folder, 'events.torn'), 'utf8')).toBe('one\ntwo\n')
  })
})

describe('a disk that fails', () => {
  /** Takes `room` bytes in all, as a full disk does: the write that crosses the limit is a short one, the next one fails. */
  const full =
    (room: number, code = 'ENOSPC') =>
    (file: number, bytes: Uint8Array, at: number) => {
      const left = room - statSync(path).size
      if (left <= 0) throw Object.assign(new Error(`${code}: write`), { code })
      return writeSync(file, bytes.subarray(at, at + left))
    }

  test.each(['ENOSPC', 'EIO'])('%s in mid-line: the line is taken back and the run ends', async (code) => {
    const log = openLogWriter(path, { ...options, write: full(500, code) })
    log.append(notice('fits'))
    const before = readFileSync(path, 'utf8')
    const failure = catchError(() => log.append(notice('x'.repeat(1000))))
    expect(failure).toMatchObject({ code: 'log-write-failed', endsRun: true })
    expect(failure.hint).toContain('--output-dir')
    expect(readFileSync(path, 'utf8')).toBe(before)
    // Also what would fit is refused: a log with holes would be a lie.
    expect(catchError(() => log.append(notice('y')))).toBe(failure)
    expect(log.append(end)).toMatchObject({ seq: 2, type: 'run-end' })
    log.close()
    expect((await readEvents(path)).problems).toEqual([])
  })

  test('a write that takes nothing and says nothing', () => {
    const log = openLogWriter(path, { ...options, write: () => 0 })
    expect(catchError(() => log.append(notice('a')))).toMatchObject({ code: 'log-write-failed' })
    log.close()
  })

  test('there is a reserve while the log is open, and none after', () => {
    const log = openLogWriter(path, options)
    const reserve = join(folder, '.events.reserve')
    expect(statSync(reserve).size).toBe(64 * 1024)
    log.close()
    expect(statSync(reserve, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('a folder that is not there', () => {
    expect(catchError(() => openLogWriter(join(folder, 'no', 'events.jsonl'), options))).toMatchObject({
      code: 'log-write-failed',
      endsRun: true,
    })
  })
})

test('calls of sync that come together share the work, and none ends early', async () => {
  const log = openLogWriter(path, options)
  log.append(notice('a'))
  const first = log.sync()
  log.append(notice('b'))
  const second = log.sync()
  expect(second).not.toBe(first)
  expect(log.sync()).toBe(second)
  await Promise.all([first, second])
  const third = log.sync()
  log.close()
  await third
  expect(catchError(() => log.append(notice('c')))).toMatchObject({ code: 'log-closed' })
})

function catchError(body: () => unknown): SeerError {
  try {
    body()
  } catch (error) {
    if (error instanceof SeerError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}
