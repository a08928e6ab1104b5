/** Much output and a stopped host, through the whole path: all of it in the log, once, in bounded memory. Slow. */
import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { cell, script, toldOf, type Call } from './fixtures/agent-script.ts'
import { newPlace, type Place } from './fixtures/place.ts'
import { peakMiB, until } from './fixtures/processes.ts'
import { logOf, shownBy } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

const STOPPED_MS = 30_000
const DISPLAYS = 20_000
const BYTES = 100_000_000

/** Enough for a slow machine: 25 s each, and no time at all once the cell has ended. */
const WAITS = Array.from({ length: 6 }, (): Call => ['wait_cell', { cell: 'c3' }])

/** How much more than a run with little output the command’s own process takes. 100 MB held in it would be seen. 20,000 displays stay in its notebook. */
const MAX_MORE_MIB = { displays: 150, stdout: 125 }
const MAX_HOST_MIB = 150
const MAX_RELAY_MIB = 100

/** The largest memory of each process of the path, sampled until `done`. */
async function watchMemory(place: Place, done: Promise<unknown>): Promise<Record<string, number>> {
  const peaks: Record<string, number> = {}
  const ended = new AbortController()
  void done.finally(() => ended.abort())
  while (!ended.signal.aborted) {
    for (const { kind, pid } of place.processes()) {
      peaks[kind] = Math.max(peaks[kind] ?? 0, peakMiB(pid))
    }
    await sleep(100)
  }
  return peaks
}

/** What `seer run` takes on this machine when its cell prints next to nothing. */
async function quietMiB(): Promise<number> {
  await using place = newPlace()
  await using api = await loopbackMessages(script(cell('print(1)')))
  const run = place.run(api.url)
  const peaks = await watchMemory(place, run.ended)
  expect((await run.ended).code).toBe(0)
  return peaks['seer']!
}

test(
  'host stopped for 30 s during 20,000 displays: all of them in the log, in order, none twice',
  { timeout: 300_000 },
  async () => {
    const quiet = await quietMiB()
    await using place = newPlace()
    await using api = await loopbackMessages(script(cell(`for i in range(${DISPLAYS}): display(i)`), ...WAITS))
    const run = place.run(api.url)
    const memory = watchMemory(place, run.ended)
    await until('the first output', async () => {
      const folder = place.runs()[0]
      return folder !== undefined && (await logOf(folder)).of('cell-output').some(({ cell: id }) => id === 'c3')
    })
    const host = place.processes().find(({ kind }) => kind === 'host')!
    process.kill(host.pid, 'SIGSTOP')
    const atStop = (await logOf(place.runs()[0]!)).of('cell-output').length
    await sleep(STOPPED_MS)
    process.kill(host.pid, 'SIGCONT')
    const resumedAt = performance.now()
    const { code, stderr } = await run.ended
    console.log(
      `host stopped at ${atStop}; the run ended ${Math.round(performance.now() - resumedAt)} ms after SIGCONT; MiB, quiet ${quiet}`,
      await memory,
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(atStop).toBeLessThan(DISPLAYS)
    const log = await logOf(place.runs()[0]!)
    const shown = log
      .of('cell-output')
      .flatMap(({ cell: id, output }) =>
        id === 'c3' && output.output_type === 'display_data' ? [Number(output.data['text/plain'])] : [],
      )
    expect(shown).toEqual(Array.from({ length: DISPLAYS }, (_, i) => i))
    expect(log.of('output-lost')).toEqual([])
    expect(log.of('cell-end').find(({ cell: id }) => id === 'c3')).toMatchObject({ status: 'ok' })
    const peaks = await memory
    expect(peaks['host']).toBeLessThan(MAX_HOST_MIB)
    expect(peaks['relay']).toBeLessThan(MAX_RELAY_MIB)
    expect(peaks['seer']! - quiet).toBeLessThan(MAX_MORE_MIB.displays)
  },
)

test(
  '100 MB of stdout: every byte kept, memory bounded, the notebook cut with a mark, the middle readable',
  { timeout: 300_000 },
  async () => {
    const quiet = await quietMiB()
    await using place = newPlace()
    const line = 100
    const code = `for i in range(${BYTES / line}): print(f"{i:0${line - 1}}")`
    const middle = BYTES / 2
    await using api = await loopbackMessages(
      script(cell(code), ...WAITS, ['read_output', { cell: 'c3', from: middle, max_bytes: 2 * line }]),
    )
    const run = place.run(api.url)
    const memory = watchMemory(place, run.ended)
    const { code: exitCode, stderr, tookMs } = await run.ended
    const peaks = await memory
    const folder = place.runs()[0]!
    const log = await logOf(folder)
    console.log(
      `100 MB: ${Math.round(tookMs)} ms; cell ${log.of('cell-end').find(({ cell: id }) => id === 'c3')?.durationMs} ms; MiB, quiet ${quiet}`,
      peaks,
    )
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })

    const expected = createHash('sha256')
    for (let i = 0; i < BYTES / line; i++) expected.update(`${String(i).padStart(line - 1, '0')}\n`)
    const printed = log.printed('c3')
    expect(printed.length).toBe(BYTES)
    expect(createHash('sha256').update(printed).digest('hex')).toBe(expected.digest('hex'))
    expect(log.of('output-lost')).toEqual([])

    const shown = shownBy(folder, code)
    expect(shown.startsWith(`${'0'.repeat(line - 1)}\n${'1'.padStart(line - 1, '0')}\n`)).toBe(true)
    expect(shown.trimEnd().endsWith(String(BYTES / line - 1))).toBe(true)
    expect(shown.length).toBeLessThan(5_000_000)
    expect(shown).toMatch(/\n.*(cut|left out|not shown|omitted).*\n/i)
    expect(statSync(join(folder, 'notebook.ipynb')).size).toBeLessThan(8_000_000)

    expect(toldOf(api, 1).length).toBeLessThan(100_000)
    expect(toldOf(api, 2 + WAITS.length)).toContain(`of ${BYTES}`)
    expect(toldOf(api, 2 + WAITS.length)).toContain(String(middle / line).padStart(line - 1, '0'))

    expect(peaks['host']).toBeLessThan(MAX_HOST_MIB)
    expect(peaks['relay']).toBeLessThan(MAX_RELAY_MIB)
    expect(peaks['seer']! - quiet).toBeLessThan(MAX_MORE_MIB.stdout)
    expect((await place.seer(['show', folder, '--check']).ended).code).toBe(0)
  },
)
