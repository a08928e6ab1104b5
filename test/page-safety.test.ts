/**
 * Everything that an agent can write, in everything that shows it, in a real browser: no script runs, nothing is asked of the
 * network, nothing navigates. The same payloads in a page that takes them as they are show that this would be noticed.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtPage } from '../src/cli/built-page.ts'
import { writeReport } from '../src/report/write-report.ts'
import { startViewer } from '../src/viewer/server.ts'
import { launchChromium, watchPage } from './fixtures/hostile/browser.ts'
import { writeHostileRun } from './fixtures/hostile/hostile-run.ts'
import { PAYLOADS } from './fixtures/hostile/payloads.ts'

const GROUP = 24
const groups = Array.from({ length: Math.ceil(PAYLOADS.length / GROUP) }, (_, i) => ({
  name: `${PAYLOADS[i * GROUP]!.name} to ${PAYLOADS.slice(i * GROUP, (i + 1) * GROUP).at(-1)!.name}`,
  payloads: PAYLOADS.slice(i * GROUP, (i + 1) * GROUP),
}))

const NOTHING = { scripts: 0, loose: [], badLinks: [], handlers: [], hidden: [], polluted: [] }

let outputDir: string
let browser: Browser

beforeAll(async () => {
  outputDir = mkdtempSync(join(tmpdir(), 'seer-safety-'))
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  rmSync(outputDir, { recursive: true, force: true })
})

describe('the harness notices', () => {
  test.each(PAYLOADS.filter(({ naive }) => naive !== undefined))('$name', async ({ text, naive }) => {
    const path = join(outputDir, 'naive.html')
    writeFileSync(path, `<!doctype html><meta charset="utf-8"><body><div>${text}</div>`)
    await using watched = await watchPage(browser)
    await watched.goto(pathToFileURL(path).href)
    if (naive === 'click') await watched.clickEverything()
    await expect.poll(() => watched.noticed(), { timeout: 5000 }).not.toEqual([])
  })
})

describe('report.html', () => {
  test.each(groups)('$name', async ({ payloads }) => {
    const folder = await writeHostileRun(outputDir, `"><img src=x: onerror=alert(1)>${payloads[0]!.name}`, payloads)
    const path = await writeReport(folder, { builtPage: await builtPage() })
    await using watched = await watchPage(browser)
    await watched.goto(pathToFileURL(path).href)
    const seen = await watched.openEverything()
    expect(seen.text).toContain('All cells')
    expect(seen.frames).toBeGreaterThan(payloads.length)
    expect(seen).toMatchObject(NOTHING)
    await watched.clickEverything()
    expect(watched.noticed()).toEqual([])
    rmSync(folder, { recursive: true })
  })
})

describe('the page', () => {
  test.each(groups)('$name', async ({ payloads }) => {
    const folder = await writeHostileRun(outputDir, `live"><img src=x: onerror=alert(1)>${payloads[0]!.name}`, payloads)
    await using viewer = await startViewer({ outputDir, page: await builtPage(), port: 0 })
    const url = viewer.url()
    await using watched = await watchPage(browser, new URL(url).origin)
    await watched.goto(url)
    await watched.page.getByText('live"><img').first().waitFor()
    const list = await watched.walk()
    expect(list).toMatchObject(NOTHING)
    await watched.goto(viewer.url({ run: basename(folder) }))
    await watched.page.locator('.cell').first().waitFor()
    const seen = await watched.walk()
    expect(seen.frames).toBeGreaterThan(payloads.length)
    expect(seen).toMatchObject(NOTHING)
    expect(watched.noticed()).toEqual([])
    rmSync(folder, { recursive: true })
  })
})

test('every colour of a terminal has its rule', () => {
  const css = readFileSync(join(import.meta.dirname, '../src/page/text/ansi.css'), 'utf8')
  const rules = new Set([...css.matchAll(/\.(ansi-[\w-]+)/g)].map(([, name]) => name))
  const digits = '0123456789abcdef'
  for (const ground of ['f', 'b']) {
    for (const channel of ['r', 'g', 'b'])
      for (const digit of digits) expect(rules).toContain(`ansi-${ground}${channel}${digit}`)
  }
  for (const name of ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']) {
    for (const kind of ['fg', 'bg'])
      for (const strength of ['', 'bright-']) expect(rules).toContain(`ansi-${strength}${name}-${kind}`)
  }
  for (const name of ['bold', 'faint', 'italic', 'underline', 'fg', 'bg', 'on-light', 'on-dark'])
    expect(rules).toContain(`ansi-${name}`)
})
