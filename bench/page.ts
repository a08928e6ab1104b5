/**
 * The live page in Chromium (`CHROMIUM`, or Debian's): from a kernel's print to the screen, in a real run; and a long run of
 * 5,000 cells and 500 figures: until its first cell is seen, and scrolling through it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { chromium, type Browser, type Page } from 'playwright-core'
import { writeLongRun } from './long-run.ts'
import { machineLine, openSetting, quantile } from './setting.ts'

const { values } = parseArgs({
  options: {
    prints: { type: 'string', default: '300' },
    loads: { type: 'string', default: '7' },
    cells: { type: 'string', default: '5000' },
    figures: { type: 'string', default: '500' },
  },
})
const [prints, loads, cells, figures] = [values.prints, values.loads, values.cells, values.figures].map(Number) as [
  number,
  number,
  number,
  number,
]
const PRINT_EVERY_S = 0.05
const SCROLL_FRAMES = 240
const SCROLL_PX = 700
const VIEWPORT = { width: 1280, height: 800 }

/** In the page: when each number was first on the screen, by the clock that the kernel has too. */
const WATCH = `window.seen = []
new MutationObserver(() => {
  const texts = document.querySelectorAll('.stream-text')
  const last = Number(/(\\d+) \\d+\\.\\d\\s*$/.exec(texts[texts.length - 1]?.textContent ?? '')?.[1] ?? -1)
  if (last + 1 <= seen.length) return
  const from = seen.length
  for (let n = from; n <= last; n++) seen.push(0)
  // After the picture that shows it.
  requestAnimationFrame(() => setTimeout(() => {
    const now = performance.timeOrigin + performance.now()
    for (let n = from; n <= last; n++) seen[n] = now
  }))
}).observe(document, { childList: true, subtree: true, characterData: true })`

/** In the page: when the first cell was on the screen, and when all of the log was read. */
const FIRST = `const look = () => {
  if (!window.first && document.querySelector('.cell')) setTimeout(() => (window.first ??= performance.now()))
  if (document.querySelector('.timeline[aria-busy="false"]')) window.read ??= performance.now()
  if (!window.read || !window.first) requestAnimationFrame(look)
}
requestAnimationFrame(look)`

const SCROLL = `(async () => {
  const frames = []
  let last = performance.now()
  for (let i = 0; i < ${SCROLL_FRAMES}; i++) {
    scrollBy(0, ${SCROLL_PX})
    await new Promise(requestAnimationFrame)
    frames.push(performance.now() - last)
    last = performance.now()
  }
  return frames
})()`

const browser = await chromium.launch({
  executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
})
try {
  await outputToScreen(browser)
  await longRun(browser)
  console.log(`\n${machineLine()}, Chromium ${browser.version()}`)
} finally {
  await browser.close()
}

async function outputToScreen(browser: Browser): Promise<void> {
  await using setting = await openSetting()
  await using view = await startView(dirname(setting.run.folder))
  const page = await browser.newPage({ viewport: VIEWPORT })
  await page.addInitScript(WATCH)
  await page.goto(`${view.url}&run=${setting.run.id}`)
  await setting.cell('import time')
  await page.locator('.cell', { hasText: 'import time' }).waitFor()
  await setting.cell(`for n in range(${prints}):
    print(n, f"{time.time() * 1000:.1f}")
    time.sleep(${PRINT_EVERY_S})`)
  await until(page, `seen.length === ${prints} && seen.every(Boolean)`)
  const seen = await page.evaluate<number[]>('seen')
  const printed = await printedAt(page)
  const delays = seen.map((at, n) => at - (printed[n] ?? Number.NaN))
  if (printed.length !== prints || delays.some((delay) => !(delay > 0))) throw new Error('some of it was not seen')
  console.log(`From a kernel's print to the screen, ${prints} lines, one each ${PRINT_EVERY_S * 1000} ms:`)
  console.log(row('ms', delays))
  await page.close()
}

/** By the kernel's clock, of each line in its order. */
async function printedAt(page: Page): Promise<number[]> {
  for (const more of await page.locator('.more').all()) await more.click()
  const text = await page.locator('.stream-text').last().textContent()
  return (text ?? '')
    .trim()
    .split('\n')
    .map((line) => Number(line.split(' ')[1]))
}

async function longRun(browser: Browser): Promise<void> {
  const outputs = mkdtempSync(join(tmpdir(), 'seer-bench-'))
  try {
    const bytes = await writeLongRun(join(outputs, 'long'), { cells, figures })
    await using view = await startView(outputs)
    const [first, read, frames]: [number[], number[], number[]] = [[], [], []]
    for (let n = 0; n < loads; n++) {
      // A context of its own has nothing in its cache.
      const page = await browser.newPage({ viewport: VIEWPORT })
      await page.addInitScript(FIRST)
      await page.goto(`${view.url}&run=long`)
      await until(page, 'Boolean(window.first && window.read)')
      first.push(await page.evaluate<number>('first'))
      read.push(await page.evaluate<number>('read'))
      frames.push(...(await page.evaluate<number[]>(SCROLL)))
      await page.close()
    }
    console.log(`\nA log of ${cells} cells and ${figures} figures, ${(bytes / 1e6).toFixed(0)} MB; ${loads} loads:`)
    console.log(row('first cell seen, ms', first))
    console.log(row('all of it read, ms', read))
    console.log(row(`a frame while scrolling ${SCROLL_PX} px in each, ms`, frames))
  } finally {
    rmSync(outputs, { recursive: true, force: true })
  }
}

/** The page allows no code from text but what is asked for once. */
async function until(page: Page, condition: string): Promise<void> {
  for (const deadline = performance.now() + 120_000; performance.now() < deadline; await sleep(20))
    if (await page.evaluate<boolean>(condition)) return
  throw new Error(`waited too long for ${condition}`)
}

function row(name: string, all: readonly number[]): string {
  const [p50, p95] = [quantile(all, 0.5), quantile(all, 0.95)]
  return `  ${name}: median ${p50.toFixed(1)}, p95 ${p95.toFixed(1)}, ${Math.min(...all).toFixed(1)}–${Math.max(...all).toFixed(1)}`
}

/** `seer view`, in a process of its own. */
async function startView(outputs: string): Promise<{ url: string } & AsyncDisposable> {
  const main = join(import.meta.dirname, '../src/cli/main.ts')
  const child = spawn(process.execPath, ['--conditions=seer-source', main, 'view', '--output-dir', outputs], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let said = ''
  for await (const chunk of child.stdout) {
    said += String(chunk)
    const url = /http:\S+/.exec(said)?.[0]
    if (url === undefined) continue
    const ended = once(child, 'exit')
    return {
      url,
      async [Symbol.asyncDispose]() {
        child.kill('SIGINT')
        await ended
      },
    }
  }
  throw new Error(`seer view has ended: ${said}`)
}
