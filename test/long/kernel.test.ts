/** The kernel dies, or a cell does not end, and the agent is told what it can do. */
import { expect, test } from 'vitest'
import { cell, script, toldOf } from '../fixtures/agent-script.ts'
import { newPlace } from '../fixtures/place.ts'
import { until } from '../fixtures/processes.ts'
import { logOf } from '../fixtures/run-folder.ts'
import { loopbackMessages } from '../loopback-messages.ts'

test('kernel killed in mid-cell: told within seconds, variables lost, refused until the restart, set up again', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(
    script(
      cell('mine = 1'),
      cell('import time\nprint("before", flush=True)\ntime.sleep(60)'),
      cell('print("not run")'),
      ['restart_kernel'],
      cell('print(set_up, "mine" in globals())'),
    ),
  )
  const run = place.run(api.url)
  await until('the cell', async () => {
    const folder = place.runs()[0]
    return folder !== undefined && (await logOf(folder)).printed('c4') === 'before\n'
  })
  // Behind the wall the kernel knows itself by another pid; the log has that of this machine.
  const { pid } = (await logOf(place.runs()[0]!)).of('kernel-start')[0]!
  const killedAt = Date.now()
  process.kill(pid, 'SIGKILL')
  const { code } = await run.ended
  expect(code).toBe(0)
  const log = await logOf(place.runs()[0]!)
  const toldAt = Date.parse(log.of('tool-end').find(({ call }) => call === 'call_2')!.at)
  console.log(`kernel killed: the agent was told after ${toldAt - killedAt} ms`)
  expect(toldAt - killedAt).toBeLessThan(20_000)

  expect(toldOf(api, 2)).toMatch(
    /The kernel died while this cell ran \(killed by SIGKILL\)\. All variables are lost\. Call restart_kernel/,
  )
  expect(toldOf(api, 2)).toContain('before')
  expect(log.of('kernel-dead')[0]).toMatchObject({
    reason: 'died',
    signal: 'SIGKILL',
    variablesLost: true,
    kernel: { generation: 1 },
  })
  expect(log.of('cell-end').find(({ cell: id }) => id === 'c4')).toMatchObject({ status: 'died' })
  expect(toldOf(api, 3)).toMatch(/has died.*restart_kernel/s)
  expect(log.of('tool-end').find(({ call }) => call === 'call_3')).toMatchObject({ isError: true })
  expect(log.of('cell-start').filter(({ code: text }) => text.includes('not run'))).toEqual([])
  expect(toldOf(api, 4)).toContain('number 2')
  expect(log.of('kernel-start').map(({ kernel }) => kernel?.generation)).toEqual([1, 2])
  expect(log.of('cell-start').filter(({ code: text }) => text.startsWith('set_up ='))).toHaveLength(2)
  expect(toldOf(api, 5)).toContain('the set-up ran False')
})

test('a cell without end returns as running after 25 s, can be waited for, and is interrupted', async () => {
  await using place = newPlace()
  const endless = 'import time\nprint("so far", flush=True)\nmine = 1\nwhile True: time.sleep(0.1)'
  await using api = await loopbackMessages(
    script(cell(endless), ['wait_cell', { cell: 'c3', seconds: 1 }], ['interrupt'], ['interrupt'], cell('print(mine)')),
  )
  expect(await place.run(api.url).ended).toMatchObject({ code: 0 })
  const log = await logOf(place.runs()[0]!)
  const took = (n: number) => log.of('tool-end').find(({ call }) => call === `call_${n}`)!.durationMs
  expect(toldOf(api, 1)).toMatch(/^\[c3\] is still running.*so far/s)
  expect(took(1)).toBeGreaterThan(24_000)
  expect(took(1)).toBeLessThan(45_000)
  expect(toldOf(api, 2)).toMatch(/^\[c3\] is still running/)
  expect(took(2)).toBeGreaterThan(900)
  expect(took(2)).toBeLessThan(20_000)
  expect(toldOf(api, 3)).toContain('c3 was stopped.')
  expect(took(3)).toBeLessThan(20_000)
  expect(log.of('cell-interrupt')[0]).toMatchObject({ cell: 'c3', how: 'message', by: 'agent:agent' })
  expect(toldOf(api, 4)).toContain('No cell is running.')
  expect(toldOf(api, 5)).toContain('\n1')
})

test('a cell that swallows KeyboardInterrupt: the agent is told that only a restart will stop it, and that does', async () => {
  await using place = newPlace()
  const stubborn = `import time
while True:
    try:
        time.sleep(0.1)
    except KeyboardInterrupt:
        print("no", flush=True)`
  await using api = await loopbackMessages(
    script(
      ['add_markdown', { text: 'Behind this one waits another.' }],
      cell(stubborn),
      ['wait_cell', { cell: 'c4', seconds: 0 }],
      ['interrupt'],
      ['restart_kernel'],
      cell('print("free")'),
    ),
  )
  expect(await place.run(api.url).ended).toMatchObject({ code: 0 })
  const log = await logOf(place.runs()[0]!)
  expect(toldOf(api, 4)).toMatch(/c4 did not stop.*Only restart_kernel/s)
  expect(log.of('cell-interrupt').map(({ how }) => how)).toEqual(['message', 'signal', 'signal'])
  expect(toldOf(api, 5)).toContain('number 2')
  expect(log.of('cell-end').find(({ cell: id }) => id === 'c4')).toMatchObject({ status: 'stopped' })
  expect(log.of('kernel-dead')[0]).toMatchObject({ reason: 'asked', variablesLost: true })
  expect(toldOf(api, 6)).toContain('free')
})
