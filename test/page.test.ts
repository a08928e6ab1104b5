/** The live page in Chromium, of runs that other processes make: watching, taking part, and what may go wrong meanwhile. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { cell, script, type Call } from './fixtures/agent-script.ts'
import { launchChromium } from './fixtures/hostile/browser.ts'
import {
  addressOf,
  cellWith,
  GATES_CELL,
  newReader,
  newRunFolder,
  openGate,
  printedIn,
  printedOn,
  toTheEnd,
  type Reader,
} from './fixtures/page-viewer.ts'
import { newPlace, type Place, type Started } from './fixtures/place.ts'
import { until } from './fixtures/processes.ts'
import { logOf } from './fixtures/run-folder.ts'
import { loopbackMessages } from './loopback-messages.ts'
import { writeSampleRun } from './sample-run.ts'

const PATIENCE = { timeout: 30_000, interval: 20 }
vi.setConfig({ expect: { poll: PATIENCE } })

let browser: Browser
beforeAll(async () => void (browser = await launchChromium()))
afterAll(() => browser.close())

interface Stage {
  readonly place: Place
  readonly reader: Reader
  readonly view: Started
  /** Of `seer view`. */
  readonly url: string
}

/** A place, its page, and somebody to read it. */
async function setStage(args: readonly string[] = []): Promise<Stage> {
  const place = newPlace()
  onTestFinished(() => place[Symbol.asyncDispose]())
  const reader = await newReader(browser)
  onTestFinished(() => reader[Symbol.asyncDispose]())
  const view = place.seer(['view', '--output-dir', place.outputs, ...args])
  return { place, reader, view, url: await addressOf(view) }
}

/** A run by an agent that makes these calls. */
async function startRun(place: Place, calls: readonly Call[], args: readonly string[] = []) {
  const api = await loopbackMessages(script(GATES_CELL, ...calls))
  onTestFinished(() => api[Symbol.asyncDispose]())
  const known = place.runs()
  const run = place.run(api.url, args)
  const folder = await newRunFolder(place, known)
  return { api, run, folder, id: basename(folder) }
}

const badge = (page: Page) => page.locator('.run-title .badge').first()
const isFollowing = (page: Page) => page.locator('.follow').getAttribute('aria-pressed')
const textOf = (page: Page, selector: string) => page.locator(selector).allTextContents()
// In the browser; Node's types do not know it.
const widthOf = (image: unknown) => (image as { naturalWidth: number }).naturalWidth
const marginOf = (element: unknown) => {
  const window = globalThis as unknown as { getComputedStyle(of: unknown): { margin: string } }
  return window.getComputedStyle(element).margin
}
const LINES = 'for n in range(30):\n    print("line", n)'

test('following: from the empty list to the end of a run', async () => {
  const { place, reader, url } = await setStage()
  const page = await reader.open(url)
  await page.getByText('No runs yet').waitFor()
  const { run, folder, id } = await startRun(place, [
    cell('print("one") # slow\ngate("1")\nprint("two")\ngate("2")\npicture()\ngate("3")\nprint("three")'),
    ...[1, 2, 3].map((n) => cell(`${LINES} # long ${n}`)),
    cell('1 / 0'),
    cell(`gate("4")\n${LINES} # at the end`),
    cell('display(HTML("<h3>Tokens</h3><p>a table it is not")) # html\ngate("5")'),
  ])
  // The list shows it without being loaded again.
  await page.locator('.run-line.live', { hasText: id }).click()
  expect(await badge(page).textContent()).toBe('running')

  // A cell stands there while it runs, and what it prints as it is printed.
  const slow = cellWith(page, '# slow')
  await slow.locator('.outputs', { hasText: 'one' }).waitFor()
  const state = () => slow.locator('.cell-head .badge').textContent()
  expect([await state(), await slow.locator('.stream-text').textContent()]).toEqual(['running', 'one'])
  await openGate(folder, '1')
  await expect.poll(() => slow.locator('.stream-text').textContent()).toBe('one\ntwo')
  expect([await state(), await slow.locator('img').count()]).toEqual(['running', 0])
  await openGate(folder, '2')
  await expect.poll(() => slow.locator('img').evaluate(widthOf)).toBe(200)
  expect(await state()).toBe('running')
  await openGate(folder, '3')
  await expect.poll(state).toBe('✓ok')

  // It stays at the end, until one scrolls up.
  await cellWith(page, '1 / 0').locator('.outputs', { hasText: 'division by zero' }).waitFor()
  await cellWith(page, '# at the end').waitFor()
  await expect.poll(() => toTheEnd(page)).toBeLessThan(4)
  expect(await isFollowing(page)).toBe('true')
  await page.mouse.move(600, 400)
  await page.mouse.wheel(0, -600)
  await expect.poll(() => isFollowing(page)).toBe('false')
  await expect.poll(() => toTheEnd(page)).toBeGreaterThan(400)
  const before = await page.evaluate<number>('window.scrollY')
  await openGate(folder, '4')
  await cellWith(page, '# html').waitFor({ state: 'attached' })
  expect(await page.evaluate('window.scrollY')).toBe(before)
  await page.locator('.resume').click()
  await expect.poll(() => toTheEnd(page)).toBeLessThan(4)
  expect(await isFollowing(page)).toBe('true')

  // A second page, which comes later, sees the same; and so does a page that is loaded again.
  const second = await reader.open(page.url(), { width: 900 })
  await cellWith(second, '# html').waitFor()
  await openGate(folder, '5')
  for (const each of [page, second]) await expect.poll(() => badge(each).textContent()).toBe('✓completed')
  expect(await run.ended).toMatchObject({ code: 0 })
  await expect.poll(() => toTheEnd(page)).toBeLessThan(4)
  expect(await page.locator('.milestone-end').textContent()).toMatch(/^The run ended ✓completed/)
  expect(await page.locator('.steer').count()).toBe(0)
  await second.reload()
  await second.locator('.milestone-end').waitFor()
  for (const each of [page, second]) {
    // What is folded, too.
    for (const more of await each.locator('.more').all()) await more.click()
    expect(await printedOn(each)).toEqual(await printedIn(folder))
    expect(await textOf(each, '.saying.by-agent .prose')).toEqual([
      ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) => `Step ${n}.\n`),
      'That was all.\n',
    ])
  }

  // HTML that a cell showed has a style of ours in a frame of its own, which can do nothing.
  expect(await page.locator('iframe').getAttribute('sandbox')).toBe('')
  const styled = page.frameLocator('iframe').locator('body')
  expect(await styled.evaluate(marginOf)).toBe('0px')
  expect({ complaints: reader.complaints, foreign: reader.foreign }).toEqual({ complaints: [], foreign: [] })
})

test('a message, then an interrupt: the agent is told, the log says who did it, the page shows it', async () => {
  const { place, reader, url } = await setStage()
  const { api, run, folder, id } = await startRun(place, [
    cell('print("working")\ngate("1") # first'),
    cell('print("for ever")\ngate("never") # second'),
  ])
  const page = await reader.open(`${url}&run=${id}`)
  await cellWith(page, '# first').locator('.outputs', { hasText: 'working' }).waitFor()
  await page.keyboard.press('m')
  await page.keyboard.type('Try layer 3 & <b>compare</b>.')
  expect(await cellWith(page, '# first').count()).toBe(1)
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator('.steer-said').textContent()).toMatch(/^Sent\./)
  expect(await page.locator('#message').inputValue()).toBe('')
  await openGate(folder, '1')
  const said = page.locator('.saying.by-researcher')
  await said.waitFor()
  expect(await said.locator('.prose').textContent()).toBe('Try layer 3 & <b>compare</b>.\n')
  await cellWith(page, '# second').locator('.outputs', { hasText: 'for ever' }).waitFor()
  expect(JSON.stringify(api.requests[2]!.messages.at(-1))).toContain('Try layer 3 & <b>compare</b>.')

  await page.getByRole('button', { name: 'Interrupt' }).click()
  expect(await run.ended).toMatchObject({ code: 130 })
  await expect.poll(() => badge(page).textContent()).toBe('■interrupted')
  expect(await page.locator('.milestone-agent-end').textContent()).toContain('was interrupted')
  expect(await cellWith(page, '# second').locator('.badge').first().textContent()).toBe('■interrupted')
  const log = await logOf(folder)
  expect(log.of('run-steer')).toMatchObject([
    { by: 'researcher', action: 'message', from: 'page', agent: 'agent' },
    { by: 'researcher', action: 'interrupt', from: 'page' },
  ])
  expect(log.of('agent-message').filter(({ by }) => by === 'researcher')).toMatchObject([
    { role: 'user', text: 'Try layer 3 & <b>compare</b>.' },
  ])
  expect(log.of('agent-end')).toMatchObject([{ reason: 'interrupted' }])
  expect(await textOf(page, '.entry-notice .notice-text')).toEqual(
    expect.arrayContaining([
      'The researcher wrote to agent, from the page.',
      'The researcher interrupted the agent, from the page.',
    ]),
  )
  expect({ ...reader, violations: api.violations }).toMatchObject({ complaints: [], foreign: [], violations: [] })
})

test('stopping a run asks first, and keeps everything', async () => {
  const { place, reader, url } = await setStage()
  const { run, folder, id } = await startRun(place, [cell('print("kept")\ngate("never") # waits')])
  const page = await reader.open(`${url}&run=${id}`)
  await cellWith(page, '# waits').locator('.outputs', { hasText: 'kept' }).waitFor()
  await page.getByRole('button', { name: 'Stop run' }).click()
  await page.locator('dialog[open]').waitFor()
  await page.keyboard.press('Enter')
  await expect.poll(() => page.locator('dialog[open]').count()).toBe(0)
  expect((await logOf(folder)).of('run-steer')).toEqual([])
  await page.getByRole('button', { name: 'Stop run' }).click()
  await page.getByRole('button', { name: 'Stop the run' }).click()
  expect(await run.ended).toMatchObject({ code: 130 })
  await expect.poll(() => badge(page).textContent()).toBe('■interrupted')
  expect(await page.locator('.steer').count()).toBe(0)
  expect(await printedOn(page)).toEqual(await printedIn(folder))
  const log = await logOf(folder)
  expect(log.of('run-steer')).toMatchObject([{ by: 'researcher', action: 'stop', from: 'page' }])
  expect([log.status, log.printed('c4')]).toEqual(['interrupted', 'kept\n'])
  expect(await place.seer(['show', folder, '--check']).ended).toMatchObject({ code: 0 })
  expect(JSON.parse(readFileSync(`${folder}/run.json`, 'utf8'))).toMatchObject({ status: 'interrupted' })
  expect(reader).toMatchObject({ complaints: [], foreign: [] })
})

test('a server that is killed and started again, then a run that is killed: nothing twice, nothing lost', async () => {
  const { place, reader, view, url } = await setStage()
  const { run, folder, id } = await startRun(place, [
    cell('for n in range(9):\n    gate(str(n))\n    print("part", n) # parts'),
  ])
  const page = await reader.open(`${url}&run=${id}`)
  const parts = cellWith(page, '# parts')
  const text = () => parts.locator('.stream-text').textContent()
  const upTo = (last: number) => Array.from({ length: last + 1 }, (_, n) => `part ${n}`).join('\n')
  for (const n of [0, 1, 2]) await openGate(folder, String(n))
  await expect.poll(text).toBe(upTo(2))

  view.child.kill('SIGKILL')
  await view.ended
  await expect.poll(() => page.locator('.connection').textContent()).toMatch(/^Reconnecting/)
  await openGate(folder, '3')
  await until('it in the log', async () => (await logOf(folder)).printed('c4').includes('part 3\n'))
  expect(await text()).toBe(upTo(2))
  const { port } = new URL(url)
  const again = await addressOf(place.seer(['view', '--port', port, '--output-dir', place.outputs]))
  await expect.poll(() => page.locator('.connection').textContent()).toContain('open the link that it printed')
  // One tab with the new link is enough for all.
  const second = await reader.open(`${again}&run=${id}`)
  await expect.poll(text).toBe(upTo(3))
  expect(await page.locator('.connection').textContent()).toBe('')
  await openGate(folder, '4')
  await expect.poll(text).toBe(upTo(4))
  expect(await badge(page).textContent()).toBe('running')

  run.child.kill('SIGKILL')
  await run.ended
  for (const each of [page, second]) {
    await expect.poll(() => badge(each).textContent()).toBe('✕crashed')
    await each.getByText('This run was never closed').waitFor()
    expect(await each.locator('.steer').count()).toBe(0)
    expect(await cellWith(each, '# parts').locator('.badge').textContent()).toBe('?end unknown')
    expect(await printedOn(each)).toEqual(await printedIn(folder))
    expect(await textOf(each, '.saying.by-agent .prose')).toEqual(['Step 1.\n', 'Step 2.\n'])
  }
  expect(reader.foreign).toEqual([])
  expect(reader.complaints.filter((text) => !/ERR_CONNECTION_REFUSED|ERR_\w+ED|401/.test(text))).toEqual([])
})

test('seer run --view: watched from its first moment; the page outlives the run while it is open', async () => {
  const place = newPlace()
  onTestFinished(() => place[Symbol.asyncDispose]())
  const reader = await newReader(browser, { dark: true })
  onTestFinished(() => reader[Symbol.asyncDispose]())
  const { run, folder } = await startRun(place, [cell('gate("1")\nprint("seen") # only')], ['--view'])
  const page = await reader.open(await addressOf(run))
  await cellWith(page, '# only').waitFor()
  await openGate(folder, '1')
  await expect.poll(() => badge(page).textContent()).toBe('✓completed')
  await cellWith(page, '# only').locator('.outputs', { hasText: 'seen' }).waitFor()
  await until('the last word', () => run.output.stdout.includes('The page stays'))
  expect(run.child.exitCode).toBe(null)
  await page.reload()
  await cellWith(page, '# only').waitFor()
  await page.close()
  expect(await run.ended).toMatchObject({ code: 0 })
  expect(reader).toMatchObject({ complaints: [], foreign: [] })
})

/** Runs that have ended, in a folder of their own, with one that goes on: this process has it open. */
async function setLibrary() {
  const stage = await setStage()
  const { outputs } = stage.place
  const live = basename(await writeSampleRun(outputs, { status: null, recorded: false, experiment: 'goes-on' }))
  const sample = async (change?: (folder: string, lines: string[]) => string) => {
    const folder = await writeSampleRun(outputs)
    const path = join(folder, 'events.jsonl')
    if (change) writeFileSync(path, change(folder, readFileSync(path, 'utf8').trimEnd().split('\n')))
    return basename(folder)
  }
  const open = (id: string, size?: { width?: number }) => stage.reader.open(`${stage.url}&run=${id}`, size)
  return { ...stage, live, sample, open }
}

test('the list: what goes on first; jumping by keys; light, dark and narrow', async () => {
  const { reader, url, live, sample, open } = await setLibrary()
  const done = await sample()
  const list = await reader.open(url)
  await list.locator('.run-line').nth(1).waitFor()
  const ids = (await textOf(list, '.run-line-facts code')).slice(0, 2)
  expect(ids).toEqual([live, done])
  expect(await list.locator('.run-line').first().getAttribute('class')).toContain('live')
  expect(await list.locator('.run-line').nth(1).textContent()).toMatch(/✓completed◉recorded△not confined/)

  const page = await open(done)
  await page.locator('.milestone-end').waitFor({ state: 'attached' })
  const current = () => page.locator('.entry:has(:focus)').getAttribute('class')
  const at = () => page.locator('article:focus').getAttribute('id')
  const press = async (key: string, id: string) => {
    await page.keyboard.press(key)
    await expect.poll(at, { message: `after ${key}` }).toBe(id)
    expect(await page.locator('article:focus').isVisible()).toBe(true)
  }
  await press('e', 'cell-s1-c4')
  expect(await page.locator('#cell-s1-c4 .traceback').isVisible()).toBe(true)
  await press('f', 'cell-s1-c6')
  await press('j', 'cell-s1-c7')
  await press('k', 'cell-s1-c6')
  await press('g', 'finding-1')
  expect(await current()).toContain('entry-finding')
  await press('F', 'cell-s1-c6')
  await page.keyboard.press('?')
  await page.locator('dialog.help[open]').waitFor()
  await page.keyboard.press('Escape')
  await expect.poll(() => page.locator('dialog[open]').count()).toBe(0)
  await page.keyboard.press('l')
  await expect.poll(() => toTheEnd(page)).toBeLessThan(4)

  const backgrounds: number[] = []
  for (const dark of [false, true]) {
    await using other = await newReader(browser, { dark })
    for (const width of [1280, 400]) {
      const narrow = await other.open(`${url}&run=${done}`, { width })
      await narrow.locator('.milestone-end').waitFor({ state: 'attached' })
      const [over, red] = await narrow.evaluate<[number, number]>(
        `[document.documentElement.scrollWidth - innerWidth, Number(/\\d+/.exec(getComputedStyle(document.documentElement).backgroundColor)[0])]`,
      )
      expect({ dark, width, over: Math.max(0, over) }).toEqual({ dark, width, over: 0 })
      backgrounds.push(red)
    }
    expect(other).toMatchObject({ complaints: [], foreign: [] })
  }
  expect(Math.min(...backgrounds.slice(0, 2))).toBeGreaterThan(200)
  expect(Math.max(...backgrounds.slice(2))).toBeLessThan(60)
  expect(reader).toMatchObject({ complaints: [], foreign: [] })
})

test('logs that are torn, damaged or of the future, and artifacts that are missing', async () => {
  const { place, reader, sample, open } = await setLibrary()
  const damaged = await sample((_, lines) =>
    [...lines.slice(0, 20), 'rubbish', ...lines.slice(23, -1), lines.at(-1)!.slice(0, 30)].join('\n'),
  )
  const cut = await sample((_, lines) => [...lines.slice(0, -1), lines.at(-1)!.slice(0, 30)].join('\n'))
  const future = await sample((_, lines) => {
    const later = lines.map((line, index) => {
      const event = JSON.parse(line) as { seq: number; type: string }
      return index < 10 ? line : JSON.stringify({ ...event, seq: event.seq + 1 })
    })
    const unknown = { ...(JSON.parse(lines[9]!) as object), seq: 11, type: 'future-thing', star: '<b>' }
    return `${[...later.slice(0, 10), JSON.stringify(unknown), ...later.slice(10)].join('\n')}\n`
  })
  const bare = await sample()
  rmSync(join(place.outputs, bare, 'artifacts'), { recursive: true })

  const torn = await open(damaged)
  await torn.getByText('This log is damaged.').waitFor()
  expect(await badge(torn).textContent()).toBe('✕crashed')
  await torn.locator('.disclosure', { hasText: 'Where' }).locator('summary').click()
  const problems = await textOf(torn, '.problems li')
  expect(problems.map((text) => text.split(',')[0])).toEqual(['invalid', 'gap', 'torn'])
  expect(await torn.locator('article.cell').count()).toBeGreaterThan(3)

  const short = await open(cut)
  await short.getByText('The last line of this log is cut short.').waitFor()

  const known = await open(future)
  await known.locator('.milestone-end').waitFor({ state: 'attached' })
  expect(await badge(known).textContent()).toBe('✓completed')
  expect(await known.locator('.notice', { hasText: 'damaged' }).count()).toBe(0)
  expect(reader).toMatchObject({ complaints: [], foreign: [] })

  const missing = await open(bare)
  await missing.locator('.milestone-end').waitFor({ state: 'attached' })
  await missing.keyboard.press('f')
  await missing.getByText('cannot be shown: its file is missing or damaged').waitFor()
  const gone = await open('no-such-run')
  await gone.getByText('There is no such run').waitFor()
  expect(reader.complaints.filter((text) => !text.includes('404'))).toEqual([])
  expect(reader.foreign).toEqual([])
})
