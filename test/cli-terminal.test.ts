/** `seer run` in a real terminal: ESC, Ctrl-C, and how the terminal is left. */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, plainExperiment, repository, type Place } from './fixtures/place.ts'
import { logOf } from './fixtures/run-folder.ts'
import { loopbackMessages, type LoopbackMessages } from './loopback-messages.ts'

let place: Place
let api: LoopbackMessages
beforeEach(() => void (place = newPlace()))
afterEach(async () => {
  await api[Symbol.asyncDispose]()
  await place[Symbol.asyncDispose]()
})

/** Types each key once the screen shows what it waits for. Returns the whole screen and the last line of in_terminal.py. */
async function type(keys: readonly (readonly [after: RegExp, keys: string])[], experiment = plainExperiment) {
  const main = join(repository, 'src/cli/main.ts')
  const seer = [process.execPath, '--conditions=seer-source', main, 'run', experiment, '--output-dir', place.outputs]
  const child = spawn('python3', [join(repository, 'test/fixtures/in_terminal.py'), ...seer], {
    cwd: place.root,
    env: { ...place.env, ANTHROPIC_API_KEY: 'any', ANTHROPIC_BASE_URL: api.url },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let screen = ''
  let from = 0
  const left = [...keys]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text
    const next = left[0]
    const match = next?.[0].exec(screen.slice(from))
    if (!next || !match) return
    from += match.index + match[0].length
    left.shift()
    child.stdin.write(next[1])
  })
  await new Promise((resolve) => child.once('close', resolve))
  expect(left).toEqual([])
  return { screen, last: screen.trimEnd().split('\n').at(-1) }
}

const ESC = '\x1b'
const CTRL_C = '\x03'
const sleeping = () => loopbackMessages(script(cell('import time\nprint("a", "sleep")\ntime.sleep(60)')))
// Not the code that the story repeats: what the cell printed.
const ASLEEP = /a sleep/

test('ESC interrupts the agent in the middle of a cell, and everything is saved', async () => {
  api = await sleeping()
  const { screen, last } = await type([
    [ASLEEP, '\x1b[A'],
    [/$/, ESC],
  ])
  expect(last).toBe('exit=130 terminal=restored')
  expect(screen).toContain('ESC interrupts the agent, Ctrl-C ends the run.')
  expect(screen).toContain('ESC: the agent is interrupted.')
  const log = await logOf(place.runs()[0]!)
  expect(log.of('agent-end')).toMatchObject([{ reason: 'interrupted' }])
  expect(log.of('tool-end')).toMatchObject([{ structured: { error: 'interrupted' } }])
  expect(log.of('cell-end').at(-1)).toMatchObject({ status: 'error' })
  // An interrupt is told on the screen once, by what answers the key.
  expect(log.of('run-steer')).toMatchObject([{ by: 'researcher', action: 'interrupt', from: 'terminal' }])
  expect(screen).not.toContain('the researcher')
  expect(log.of('run-end')).toMatchObject([{ status: 'interrupted' }])
  expect(readFileSync(join(place.runs()[0]!, 'notebook.ipynb'), 'utf8')).toContain('a sleep')
  expect(place.processes()).toEqual([])
})

test('an arrow key is not ESC; Ctrl-C ends the run', async () => {
  api = await sleeping()
  const { screen, last } = await type([
    [ASLEEP, '\x1b[A\x1b[B'],
    [/$/, CTRL_C],
  ])
  expect(last).toBe('exit=130 terminal=restored')
  expect(screen).not.toContain('ESC: ')
  expect(screen).toContain('interrupted; saving')
  expect(screen).not.toContain('was stopped')
  const log = await logOf(place.runs()[0]!)
  expect(log.of('run-steer')).toMatchObject([{ by: 'researcher', action: 'stop', from: 'terminal' }])
  expect(log.of('run-end')).toMatchObject([{ status: 'interrupted' }])
})

test('Ctrl-C twice ends it at once', async () => {
  api = await sleeping()
  const { last } = await type([
    [ASLEEP, CTRL_C],
    [/Once more to stop at once/, CTRL_C],
  ])
  expect(last).toBe('exit=130 terminal=restored')
})

test('the terminal is put back where the run fails, and where the process crashes', async () => {
  api = await loopbackMessages([{ status: 401 }])
  expect((await type([])).last).toBe('exit=1 terminal=restored')
  const crashing = place.copyExperiment('crashing')
  const code = readFileSync(join(crashing, 'experiment.ts'), 'utf8')
  const crash = "setTimeout(() => { throw new Error('out of nowhere') }, 50)"
  writeFileSync(join(crashing, 'experiment.ts'), code.replace(/(async run\([^\n]*\{\n)/, `$1${crash}\n`))
  const { screen, last } = await type([], crashing)
  expect(screen).toContain('out of nowhere')
  expect(last).toMatch(/^exit=[1-9]\d* terminal=restored$/)
  expect(existsSync(join(place.runs()[1]!, 'events.jsonl'))).toBe(true)
})
