/** report.html as people get it: by the command, in a browser without a network, of runs that are whole and that are not. */
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { builtPage } from '../src/cli/built-page.ts'
import { writeReport } from '../src/report/write-report.ts'
import { launchChromium, watchPage } from './fixtures/hostile/browser.ts'
import { writeSampleRun } from './sample-run.ts'

let outputDir: string
let sample: string
let page: string
let browser: Browser

beforeAll(async () => {
  outputDir = mkdtempSync(join(tmpdir(), 'seer-report-'))
  sample = await writeSampleRun(outputDir)
  page = await builtPage()
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  rmSync(outputDir, { recursive: true, force: true })
})

/** A copy of the sample whose log is changed. */
function changed(name: string, change: (lines: string[]) => string[]): string {
  const folder = join(outputDir, name)
  cpSync(sample, folder, { recursive: true })
  const log = join(folder, 'events.jsonl')
  writeFileSync(log, change(readFileSync(log, 'utf8').trimEnd().split('\n')).join('\n') + '\n')
  return folder
}
const report = async (folder: string) => readFileSync(await writeReport(folder, { builtPage: page }), 'utf8')

describe('in a browser, without a network and without scripts', () => {
  test('the evidence of a finding is one click away', async () => {
    const path = await writeReport(sample, { builtPage: page })
    const context = await browser.newContext({ javaScriptEnabled: false, offline: true })
    const tab = await context.newPage()
    await tab.goto(pathToFileURL(path).href)
    const evidence = tab.locator('#cell-s1-c5')
    expect(await evidence.isVisible()).toBe(false)
    await tab.locator('#findings .evidence a', { hasText: 'c5' }).click()
    await evidence.waitFor({ state: 'visible' })
    await expect
      .poll(() =>
        evidence.evaluate((node: { getBoundingClientRect(): { top: number } }) => node.getBoundingClientRect().top),
      )
      .toBeLessThan(400)
    expect(await tab.locator('#cell-s1-c3').isVisible()).toBe(false)
    await context.close()
  })

  test('it has everything, and asks for nothing', async () => {
    const path = await writeReport(sample, { builtPage: page })
    await using watched = await watchPage(browser)
    await watched.goto(pathToFileURL(path).href)
    const { text } = await watched.openEverything()
    expect(await watched.page.locator('main > section > h2').allInnerTexts()).toEqual([
      'Question',
      'Findings',
      'What was tried',
      'Results',
      'Saved files',
      'Cost and time',
      'All cells',
    ])
    for (const part of [
      '134,515,008',
      '0.31 to 0.53',
      'The same count on an untied copy',
      'AttributeError',
      'answers',
      'norms.csv',
    ])
      expect(text).toContain(part)
    const drawn = 'Array.from(document.querySelectorAll("img"), (image) => image.naturalWidth)'
    expect(await watched.page.evaluate<number[]>(drawn)).toEqual([640])
    expect(watched.noticed()).toEqual([])
  })
})

describe('of a run that is not whole', () => {
  test.each<[string, (lines: string[]) => string[], string[]]>([
    ['without an end', (lines) => lines.slice(0, -1), ['crashed, last heard of after']],
    ['that has only begun', (lines) => lines.slice(0, 1), ['No finding was submitted', 'Nothing happened']],
    ['without a start', (lines) => lines.slice(1), ['its start is lost', 'event 1 is missing']],
    ['with a gap', (lines) => lines.toSpliced(20, 2), ['events 21 to 22 are missing']],
    ['with a broken line', (lines) => lines.with(20, '{"seq": 21, broken'), ['byte', 'invalid']],
    [
      'with events of the future',
      (lines) => [
        ...lines,
        lines
          .at(-1)!
          .replace(/"seq":(\d+)/, (_, n) => `"seq":${Number(n) + 1}`)
          .replace('"run-end"', '"x-<b>new"'),
      ],
      ['of the type &quot;x-&lt;b>new&quot;'],
    ],
    ['with an empty log', () => [''], ['its start is lost']],
  ])('%s', async (name, change, parts) => {
    const html = await report(changed(`changed ${name}`, change))
    for (const part of parts) expect(html).toContain(part)
    expect(html).toContain('All cells')
  })

  test('whose last line is torn', async () => {
    const folder = changed('torn', (lines) => lines)
    appendFileSync(join(folder, 'events.jsonl'), '{"seq":9')
    expect(await report(folder)).toContain('without an end of line')
  })

  test('whose files are gone', async () => {
    const folder = changed('files gone', (lines) => lines)
    rmSync(join(folder, 'artifacts'), { recursive: true })
    expect(await report(folder)).toMatch(/image\/png, [^[]*left out of this report; it is in artifacts\//)
  })

  test('of an older log, without what was added since', async () => {
    const old = (line: string) => line.replace(/,"(budgetUsd|pricesOf|thinking)":("[^"]*"|[\d.]+|null)/g, '')
    expect(await report(changed('old', (lines) => lines.map(old)))).toContain('134,515,008')
  })
})

describe('size', () => {
  test('pictures and texts are left out beyond what fits, evidence last of all, and it is said', async () => {
    const path = await writeReport(sample, { builtPage: page, maxPictureBytes: 100, maxTextChars: 800 })
    const html = readFileSync(path, 'utf8')
    expect(html).toContain('Left out of this file')
    expect(html).toContain('blocks 30\nwidth 576')
    expect(html).toMatch(/image\/png, [^[]*left out of this report/)
    expect(html).not.toContain('C1 control')
  })
})

test('it is written whole or not at all', async () => {
  const folder = changed('whole', (lines) => lines)
  const first = await report(folder)
  await expect(writeReport(folder, { builtPage: join(folder, 'nowhere') })).rejects.toThrow('report.js')
  mkdirSync(join(outputDir, 'broken'))
  await expect(writeReport(join(outputDir, 'broken'), { builtPage: page })).rejects.toThrow('There is no event log')
  expect(readFileSync(join(folder, 'report.html'), 'utf8')).toBe(first)
  expect(readdirSync(folder).filter((name) => name.startsWith('.report'))).toEqual([])
  expect(existsSync(join(outputDir, 'broken', 'report.html'))).toBe(false)
  expect(statSync(join(folder, 'report.html')).size).toBeLessThan(200_000)
})
