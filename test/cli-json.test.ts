/** `--json`: nothing but JSON on stdout, and a last line for scripts. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace } from './fixtures/place.ts'
import { loopbackMessages } from './loopback-messages.ts'

const linesOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

/** What is for people who read JSON, and under it the line for scripts. */
function documentOf(stdout: string): { document: unknown; last: unknown } {
  const at = stdout.trimEnd().lastIndexOf('\n')
  return { document: JSON.parse(stdout.slice(0, at)), last: JSON.parse(stdout.slice(at)) }
}

test('run, show, list, gc and doctor', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(
    script(cell('print("out")'), cell('1 / 0'), ['edit_cell', { cell: 'c4', code: 'print("mended")' }]),
  )
  const run = await place.run(api.url, ['--json', '--timings']).ended
  expect(run.code).toBe(0)
  const last = linesOf(run.stdout).at(-1)!
  expect(last).toMatchObject({
    run: expect.stringMatching(/^\d{4}-\d\d-\d\d-plain-\w{4}$/),
    folder: place.runs()[0],
    status: 'completed',
    provider: 'claude',
    recorded: false,
    confinement: 'bubblewrap',
    cells: 3,
    errors: 1,
    superseded: 1,
    findings: 0,
    outputLost: 0,
    durationMs: expect.any(Number),
  })
  expect(existsSync(join(String(last['folder']), 'events.jsonl'))).toBe(true)

  const show = await place.seer(['show', 'latest', '--json', '--output-dir', place.outputs]).ended
  const { durationMs: _, ...counts } = last
  expect(documentOf(show.stdout)).toMatchObject({
    document: { run: last['run'], status: 'completed' },
    last: { ...counts, problems: 0 },
  })

  const list = await place.seer(['list', '--json', '--output-dir', place.outputs]).ended
  expect(linesOf(list.stdout).at(-1)).toMatchObject({ run: last['run'], folder: last['folder'], status: 'completed' })
  const gc = await place.seer(['gc', '--json', '--output-dir', place.outputs]).ended
  expect(linesOf(gc.stdout).at(-1)).toMatchObject({ run: null, status: 'ok', runs: 0, problems: 0 })
  const doctor = await place.seer(['doctor', '--json']).ended
  expect(linesOf(doctor.stdout).at(-1)).toMatchObject({ run: null, status: expect.any(String) })
  for (const { code, stderr } of [show, list, gc]) expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})
