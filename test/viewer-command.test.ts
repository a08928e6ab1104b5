/** `seer view` and `seer run --view`, as processes. */
import { createServer } from 'node:net'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { cell, script } from './fixtures/agent-script.ts'
import { newPlace, type Started } from './fixtures/place.ts'
import { until } from './fixtures/processes.ts'
import { loopbackMessages } from './loopback-messages.ts'
import { writeSampleRun } from './sample-run.ts'
import { enter, send } from './viewer-client.ts'

const URL_LINE = /http:\/\/127\.0\.0\.1:\d+\/\?token=\S+/

async function addressOf({ output, ended }: Started): Promise<URL> {
  await Promise.race([until('the address', () => URL_LINE.test(output.stdout), 60_000), ended])
  const found = URL_LINE.exec(output.stdout)?.[0]
  if (found === undefined) throw new Error(`no address: ${output.stdout}${output.stderr}`)
  return new URL(found)
}

test('seer view: the list of runs, also of a folder that comes later; Ctrl-C ends it', async () => {
  await using place = newPlace()
  const view = place.seer(['view'])
  const { port, cookie } = await enter(await addressOf(view))
  const runs = async () =>
    JSON.parse((await send(port, '/api/runs', { headers: { cookie } })).text) as { runs: object[] }
  expect(await runs()).toEqual({ runs: [], outputDir: place.outputs })
  const folder = await writeSampleRun(place.outputs)
  expect((await runs()).runs).toMatchObject([{ id: basename(folder), status: 'completed' }])
  const page = await send(port, '/', { headers: { cookie } })
  const asset = /\/assets\/[\w.-]+\.js/.exec(page.text)![0]
  expect(await send(port, asset, { headers: { cookie } })).toMatchObject({ status: 200 })
  view.child.kill('SIGINT')
  expect(await view.ended).toMatchObject({ code: 0, signal: null })
  expect(place.processes()).toEqual([])
})

test('seer view <run>: opens at it, wherever it lies', async () => {
  await using place = newPlace()
  const other = join(place.root, 'other runs')
  mkdirSync(other)
  const folder = await writeSampleRun(other)
  const view = place.seer(['view', folder])
  const url = await addressOf(view)
  expect(url.searchParams.get('run')).toBe(basename(folder))
  const { port, cookie } = await enter(url)
  expect((await send(port, '/api/runs', { headers: { cookie } })).text).toContain(basename(folder))
  view.child.kill('SIGTERM')
  expect((await view.ended).code).toBe(0)
})

test('seer view --open: the browser gets an address that works once', async () => {
  await using place = newPlace()
  const bin = join(place.root, 'bin')
  mkdirSync(bin)
  writeFileSync(join(bin, 'xdg-open'), `#!/bin/sh\nprintf %s "$1" > '${join(place.root, 'opened')}'\n`, { mode: 0o755 })
  const view = place.seer(['view', '--open'], { env: { PATH: `${bin}:${process.env['PATH']}` } })
  const printed = await addressOf(view)
  await until(
    'the browser',
    () => existsSync(join(place.root, 'opened')) && readFileSync(join(place.root, 'opened')).length,
  )
  const opened = new URL(readFileSync(join(place.root, 'opened'), 'utf8'))
  expect(opened.host).toBe(printed.host)
  expect(opened.search).not.toBe(printed.search)
  const port = Number(opened.port)
  const statuses = [opened, opened, printed, printed].map((url) => send(port, `/${url.search}`, {}))
  expect((await Promise.all(statuses)).map(({ status }) => status)).toEqual([303, 401, 303, 303])
  view.child.kill('SIGINT')
  expect((await view.ended).code).toBe(0)
})

test('what cannot be is told before anything starts', async () => {
  await using place = newPlace()
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  onTestFinished(() => void taken.close())
  const { port } = taken.address() as { port: number }
  const refused = await place.seer(['view', '--port', String(port)]).ended
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringMatching(/port \d+: another program has it/) })
  const run = await place.seer(['run', 'sandbox-intro', '--view', '--port', String(port)]).ended
  expect(run).toMatchObject({ code: 1, stderr: expect.stringContaining('another program has it') })
  expect(place.runs()).toEqual([])
  expect(await place.seer(['view', 'nowhere']).ended).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('no runs'),
  })
  for (const value of ['0', '65536', 'x', '-1'])
    expect(await place.seer(['view', '--port', value]).ended).toMatchObject({ code: 2 })
})

test('seer run --view: the page is there from the start and ends with the run, or with whoever watches', async () => {
  await using place = newPlace()
  await using api = await loopbackMessages(script(cell('print("hello")')))
  const alone = await place.run(api.url, ['--view']).ended
  expect(alone).toMatchObject({ code: 0 })
  expect(alone.stdout).toMatch(/^Page: http:\/\/127\.0\.0\.1:\d+\/\?token=\S+&run=\S+$/m)
  expect(alone.stdout).toMatch(/The page ends with the run\. To see it again: .* view \S+\n$/)

  await using other = await loopbackMessages(script(cell('print("hello")')))
  const watched = place.run(other.url, ['--view'])
  const url = await addressOf(watched)
  const page = await enter(url).then(({ open }) => open(url.searchParams.get('run')!))
  await until('the end of the run', () => page.states.at(-1)?.live === false, 120_000)
  expect(page.batches.at(-1)?.events.at(-1)).toMatchObject({ type: 'run-end', status: 'completed' })
  await until('the last line', () => watched.output.stdout.includes('The page stays'))
  expect(watched.child.exitCode).toBe(null)
  page.close()
  expect(await watched.ended).toMatchObject({ code: 0 })

  await using third = await loopbackMessages(script(cell('print("hello")')))
  const json = await place.run(third.url, ['--view', '--json']).ended
  expect(JSON.parse(json.stdout.trim().split('\n').at(-1)!)).toMatchObject({ status: 'completed' })
  expect(json.stderr).toContain('Page: http')
})
