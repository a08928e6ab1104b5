import { beforeEach, expect, test } from 'vitest'
import { agent, controlRuns, failing, page, steersOf, type ControlRuns } from '../../test/fixtures/control-runs.ts'
import { MAX_MESSAGE_BYTES } from './control-protocol.ts'
import { connectControl } from './control.ts'

let runs: ControlRuns
beforeEach(() => void (runs = controlRuns()))

test('ping, interrupt, message and stop, each in the log with who and from where', async () => {
  const run = runs.start()
  const worker = agent('worker')
  run.steering.add(worker)
  using control = await page(run)
  await control.ping()
  await control.message('Be quick.')
  await control.message('You too.', 'worker')
  await control.interrupt()
  using command = await connectControl(run.folder, { from: 'command' })
  await command.stop()
  expect(worker.done).toEqual(['Be quick.', 'You too.', 'interrupt'])
  expect(run.signal.aborted).toBe(true)
  expect(String(run.signal.reason)).toContain('stopped by a command')
  expect(run.steering.interrupted).toBe(true)
  expect(await steersOf(run)).toEqual([
    ['researcher', 'message', 'page', 'worker'],
    ['researcher', 'message', 'page', 'worker'],
    ['researcher', 'interrupt', 'page'],
    ['researcher', 'stop', 'command'],
  ])
})

test('what is done already is done once, and is no error', async () => {
  const run = runs.start()
  const worker = agent('worker')
  run.steering.add(worker)
  using control = await page(run)
  using other = await page(run)
  await Promise.all([control.interrupt(), other.interrupt(), control.interrupt()])
  await Promise.all([control.stop(), other.stop()])
  expect(worker.done).toEqual(['interrupt'])
  expect((await steersOf(run)).map(([, action]) => action)).toEqual(['interrupt', 'stop'])
  run.steering.add(agent('next'))
  await control.interrupt()
  expect((await steersOf(run)).map(([, action]) => action)).toEqual(['interrupt', 'stop', 'interrupt'])
})

test('all agents are interrupted; one of them is told something', async () => {
  const run = runs.start()
  const [left, right] = [agent('left'), agent('right')]
  run.steering.add(left)
  const leave = run.steering.add(right)
  using control = await page(run)
  await expect(control.message('Who?')).rejects.toEqual(failing('agent-several'))
  await control.message('You.', 'right')
  leave()
  await control.message('The other one.')
  run.steering.add(right)
  await control.interrupt()
  expect([left.done, right.done]).toEqual([
    ['The other one.', 'interrupt'],
    ['You.', 'interrupt'],
  ])
})

test('what cannot be done says why, and is not in the log', async () => {
  const run = runs.start()
  using control = await page(run)
  await expect(control.interrupt()).rejects.toEqual(failing('agent-none'))
  await expect(control.message('Hello?')).rejects.toEqual(failing('agent-none'))
  const leave = run.steering.add(agent('player', true))
  await expect(control.message('Hello?')).rejects.toEqual(failing('agent-recorded', /"player" plays a recording/))
  await expect(control.message('Hello?', 'plaier')).rejects.toEqual(failing('agent-unknown', /"plaier"/))
  leave()
  for (const _ of [1, 2]) run.steering.add(agent('twin'))
  await expect(control.message('Hello?', 'twin')).rejects.toEqual(failing('agent-several', /Several agents "twin"/))
  await expect(control.message('x'.repeat(MAX_MESSAGE_BYTES + 1))).rejects.toEqual(failing('invalid-options', /64 KiB/))
  expect(await steersOf(run)).toEqual([])
  expect(run.steering.interrupted).toBe(false)
})

test('an interrupted agent is told nothing more; a recorded one can be interrupted', async () => {
  const run = runs.start()
  const player = agent('player', true)
  run.steering.add(player)
  using control = await page(run)
  await control.interrupt()
  expect(player.done).toEqual(['interrupt'])
  run.steering.add(agent('a'))
  await control.interrupt()
  await expect(control.message('Wait.', 'a')).rejects.toEqual(failing('agent-ended'))
})

test('the longest message arrives whole, whatever it consists of; a broken one is mended', async () => {
  const run = runs.start()
  const worker = agent('worker')
  run.steering.add(worker)
  using control = await page(run)
  const texts = ['\u0001'.repeat(MAX_MESSAGE_BYTES), '語'.repeat(MAX_MESSAGE_BYTES / 3), '"\n\u2028'.repeat(100)]
  for (const text of texts) await control.message(text)
  await control.message('a\ud800b')
  expect(worker.done).toEqual([...texts, 'a\ufffdb'])
})

test('a log that cannot be written keeps nobody from stopping the run', async () => {
  const run = runs.start()
  const worker = agent('worker')
  run.steering.add(worker)
  run.leave()
  expect(() => run.steering.interrupt('terminal')).toThrow(/has ended/)
  expect(() => run.steering.stop('terminal')).toThrow(/has ended/)
  expect([worker.done, run.signal.aborted]).toEqual([['interrupt'], true])
})

test('a run that is ending is not stopped, and says so', async () => {
  const run = runs.start()
  using control = await page(run)
  const closing = Promise.withResolvers<void>()
  run.beforeEnd(() => closing.promise)
  const ended = run.end('completed')
  await expect(control.stop()).rejects.toEqual(failing('run-ended'))
  closing.resolve()
  await ended
  expect(run.signal.aborted).toBe(false)
})

test('Seer itself has something to say: to all that work, but not to a recording, and not to one that is being stopped', async () => {
  const run = runs.start()
  const [live, other, player] = [agent('live'), agent('other'), agent('player', true)]
  for (const one of [live, player]) run.steering.add(one)
  run.steering.tell('Soon.')
  run.steering.interrupt('terminal')
  run.steering.add(other)
  run.steering.tell('Now.')
  expect([live.done, other.done, player.done]).toEqual([['Soon.', 'interrupt'], ['Now.'], ['interrupt']])
  expect((await steersOf(run)).map(([, action]) => action)).toEqual(['interrupt'])
})
