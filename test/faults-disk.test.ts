/** The disk of the output folder fills up while a cell prints. Needs the right to mount a small one. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { cell, script, type Call } from './fixtures/agent-script.ts'
import { newPlace } from './fixtures/place.ts'
import { logOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'

const MEGABYTES = 3
const WAIT: Call = ['wait_cell', { cell: 'c4' }]

function mountSmallDisk(folder: string): Disposable | undefined {
  mkdirSync(folder, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${MEGABYTES}m`, 'tmpfs', folder], { stdio: 'ignore' })
  } catch {
    return undefined
  }
  return { [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', folder]) }
}

test.for<[string, string]>([
  ['many lines', 'for n in range(200_000): print("line", n, "x" * 100)'],
  ['one large value', 'import os; print(os.urandom(10_000_000).hex())'],
  ['many small displays', 'for n in range(20_000): display(n)'],
  ['many displays', 'for n in range(4_000): display(str(n) + "x" * 5000)'],
])(
  'disk full while a cell writes %s: the run ends with that, and what was written is readable',
  async ([, code], { skip }) => {
    await using place = newPlace()
    using disk = mountSmallDisk(place.outputs)
    if (!disk) skip('this user may not mount a tmpfs')
    await using api = await loopbackMessages(
      script(cell('print("before")'), cell(code), ...Array.from({ length: 4 }, () => WAIT)),
    )
    const ended = await place.run(api.url, ['--json']).ended
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/no space left/i)
    expect(ended.stderr).not.toMatch(/^\s+at /m)
    const last: unknown = JSON.parse(ended.stdout.trim().split('\n').at(-1)!)
    expect(last).toMatchObject({ status: 'failed' })
    const folder = place.runs()[0]!
    const log = await logOf(folder)
    expect(log.problems).toEqual([])
    expect(log.printed('c3')).toBe('before\n')
    expect(log.of('run-end')).toMatchObject([
      { status: 'failed', error: { message: expect.stringMatching(/no space left/i) } },
    ])
    const shown = await place.seer(['show', folder]).ended
    expect(shown.code).toBe(0)
    expect(shown.stdout).toContain('before')
    expect(place.processes()).toEqual([])
    expect(place.sandboxes()).toEqual([])
  },
)

test('disk full before the run starts: says so, and asks for another folder', async ({ skip }) => {
  await using place = newPlace()
  using disk = mountSmallDisk(place.outputs)
  if (!disk) skip('this user may not mount a tmpfs')
  try {
    writeFileSync(join(place.outputs, 'full'), Buffer.alloc(MEGABYTES * 1024 * 1024))
  } catch {
    // As full as it gets.
  }
  await using api = await loopbackMessages(script())
  const ended = await place.run(api.url).ended
  expect(ended.code).not.toBe(0)
  expect(ended.stderr).toMatch(/no space left/i)
  expect(ended.stderr).toContain('--output-dir')
  expect(ended.stderr).not.toMatch(/^\s+at /m)
  expect(place.processes()).toEqual([])
  expect(place.sandboxes()).toEqual([])
})
