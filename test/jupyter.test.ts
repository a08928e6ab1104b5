/** JupyterLab beside a session, in Chromium: the notebook as it stands, and a console in the session's kernel. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { CANARY, CANARY_HOST, PAYLOADS } from './fixtures/hostile/payloads.ts'
import { launchChromium } from './fixtures/hostile/browser.ts'
import { openLab, type Lab } from './fixtures/jupyter-lab.ts'
import { startedNotebook } from './fixtures/notebook.ts'
import { until } from './fixtures/processes.ts'

vi.setConfig({ expect: { poll: { timeout: 60_000, interval: 50 } } })

let browser: Browser
let notebook: Awaited<ReturnType<typeof startedNotebook>>
let url: URL
let lab: Lab

beforeAll(async () => {
  // Nobody who looks for the newest run is to find this one.
  vi.stubEnv('XDG_RUNTIME_DIR', mkdtempSync(join(tmpdir(), 'seer-t-')))
  notebook = await startedNotebook({}, { tools: 'full' })
  await notebook.cell('print("the agent was here")')
  url = new URL(await notebook.session.jupyterUrl)
  browser = await launchChromium()
  lab = await openLab(browser, url.href)
})
afterAll(async () => {
  await browser?.close()
  await notebook?.end()
})

const token = () => url.searchParams.get('token') ?? ''
const own = () => ({ Authorization: `token ${token()}` })
const ask = (path: string, method = 'GET', headers: Record<string, string> = own(), body: object = {}) =>
  fetch(new URL(path, url), { method, headers, ...(method === 'GET' ? {} : { body: JSON.stringify(body) }) })
const cells = async () => (await notebook.log()).of('cell-start')

test('the notebook stands there, and follows; the console runs in its kernel, and the agent is told', async () => {
  expect(await notebook.session.jupyterUrl).toBe(url.href)
  expect(await lab.shown()).toMatch(/print\("the agent was here"\)\s+the agent was here/)
  await notebook.cell('x = 6\nprint("a later", "cell")')
  await expect.poll(lab.shown).toContain('a later cell')
  await lab.run('x * 7')
  await expect.poll(lab.said).toMatch(/\[4\]:\s+42/)
  await expect.poll(lab.shown).toMatch(/x \* 7\s+\[4\]:\s+42/)
  expect((await cells()).at(-1)).toMatchObject({ by: 'researcher', code: 'x * 7', session: 's1' })
  const told = await notebook.cell('print("on")')
  expect(told.text).toMatch(/by the researcher \(ok\):\n {4}x \* 7\n/)
  expect([lab.complaints, lab.foreign]).toEqual([[], []])
})

test('displays, their updates, pictures and frames come to the console', async () => {
  await lab.run(`import sys
from IPython.display import HTML, clear_output, display
print("to be", "cleared"); clear_output()
handle = display({"text/plain": "fi" "rst"}, raw=True, display_id=True)
handle.update({"text/plain": "sec" "ond"}, raw=True)
print("o" "ut"); print("e" "rr", file=sys.stderr)
display({"image/png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGD4DwABBAEAX+XDSwAAAABJRU5ErkJggg=="}, raw=True)
display(HTML("<table><tr><td>framed</td></tr></table>"))
1 / 0`)
  await expect.poll(lab.said).toContain('ZeroDivisionError: division by zero')
  const text = await lab.said()
  expect(text).toMatch(/second\s+out\s+err/)
  expect(text).not.toMatch(/to be cleared|first/)
  expect(await lab.page.locator('.jp-CodeConsole img[src^="data:image/png"]').count()).toBe(1)
  const frame = lab.page.frameLocator('.jp-CodeConsole iframe').last()
  expect(await frame.locator('td').innerText()).toBe('framed')
})

test('the menu interrupts a cell, and what waited behind it is not run', async () => {
  const before = (await cells()).length
  await lab.run('import time\nprint("it sleeps")\ntime.sleep(600)')
  await expect.poll(lab.said).toContain('it sleeps\n')
  await lab.run('print("behind", "it")')
  await expect.poll(async () => (await cells()).length).toBe(before + 2)
  await lab.kernelMenu('Interrupt Kernel')
  await expect.poll(lab.said).toContain('KeyboardInterrupt')
  await expect.poll(async () => (await notebook.log()).of('cell-end').length).toBe(before + 2)
  const log = await notebook.log()
  expect(log.of('cell-interrupt').at(-1)).toMatchObject({ by: 'researcher', how: 'message' })
  expect(log.of('cell-end').at(-1)).toMatchObject({ status: 'aborted' })
  expect(await lab.said()).not.toContain('behind it')
})

test("somebody else's cell is waited for; interrupted, its author is told", async () => {
  const before = (await cells()).length
  const busy = notebook.cell('import time\ntime.sleep(600)')
  await until('the cell of the agent', async () => (await cells()).length > before)
  const id = (await cells()).at(-1)?.cell
  await expect.poll(() => lab.page.locator('#jp-main-statusbar').innerText()).toContain('Busy')
  await lab.run('print("after", "it")')
  await expect.poll(lab.said).toMatch(/\[\*\]:\s+print\("after", "it"\)/)
  await lab.kernelMenu('Interrupt Kernel')
  expect((await busy).text).toMatch(new RegExp(`the researcher interrupted your cell ${id}\\.[^]*KeyboardInterrupt`))
  await lab.run('print("now", "it")')
  await expect.poll(lab.said).toContain('now it')
  expect(await lab.said()).not.toContain('after it')
})

test('another tab has the same kernel; what closes does not end it, and input() fails', async () => {
  await using other = await openLab(browser, url.href)
  await other.run('y = x + 1\ny')
  await expect.poll(other.said).toMatch(/\]:\s+7/)
  await lab.run('input("name? ")')
  await expect.poll(lab.said).toContain('StdinNotImplementedError')
  const headers = await xsrfHeaders()
  const third = await ask('/api/sessions', 'POST', headers, { path: 'third', name: '', type: 'console', kernel: {} })
  const { id, kernel } = (await third.json()) as { id: string; kernel: { id: string } }
  expect(await (await ask('/api/kernels')).json()).toMatchObject([{ id: kernel.id }])
  expect((await ask(`/api/sessions/${id}`, 'DELETE', headers)).status).toBe(204)
  expect((await ask(`/api/kernels/${kernel.id}`, 'DELETE', headers)).status).toBe(403)
  await other.run('print("still", y)')
  await expect.poll(other.said).toContain('still 7')
  expect((await notebook.cell('print(y)')).text).toContain('7')
})

test('the menu starts the kernel anew, also after its death, and the agent is told', async () => {
  await lab.restart()
  expect((await notebook.log()).of('kernel-start').length).toBe(2)
  await expect
    .poll(async () => (await notebook.log()).of('tool-end').at(-1))
    .toMatchObject({ name: 'restart_kernel', by: 'researcher' })
  const told = await notebook.cell('1')
  expect(told).toMatchObject({
    isError: true,
    text: expect.stringContaining('somebody else has started the kernel anew'),
  })
  expect((await notebook.cell('print("x" in globals())')).text).toContain('False')

  await lab.run('import os\nos._exit(3)')
  await expect.poll(lab.said).toContain('The kernel died while this cell ran.')
  await lab.run('print("not", "run")')
  await expect.poll(lab.said).toContain('The kernel has died. All variables are lost, and nothing was run now.')
  await lab.restart()
  expect((await notebook.log()).of('kernel-start').length).toBe(3)
  await lab.run('print("a new", "one")')
  await expect.poll(lab.said).toContain('a new one')
  expect((await cells()).map(({ code }) => code)).not.toContain('print("not", "run")')
})

test('what JupyterLab asks by itself is no cell; names are completed beside one that runs', async () => {
  await notebook.session.exec('value_of_mine = "text"')
  const before = (await cells()).length
  const kernel = await connect()
  for (const content of [
    { code: 'print(1)', silent: true },
    { code: 'print(1)', store_history: false },
    { code: '  ' },
  ])
    expect(await kernel.ask('execute_request', content)).toMatchObject({ content: { status: 'ok' } })
  expect(await kernel.ask('comm_info_request', {})).toMatchObject({ content: { comms: {} } })
  expect(await kernel.ask('history_request', {})).toMatchObject({ content: { history: [] } })
  const completed = (code: string) => kernel.ask('complete_request', { code, cursor_pos: Array.from(code).length })
  expect(await completed('é = value_of_m')).toMatchObject({
    content: { matches: ['value_of_mine'], cursor_start: 4, cursor_end: 14 },
  })
  expect(await completed('value_of_mine.upp')).toMatchObject({ content: { matches: ['value_of_mine.upper'] } })
  expect(await completed('not_there_')).toMatchObject({ content: { matches: [] } })
  kernel.send('comm_open', { target_name: 'x', data: {} })
  kernel.socket.send('no JSON')
  kernel.socket.send(JSON.stringify({ header: { msg_id: 1 } }))
  expect(await kernel.ask('kernel_info_request', {})).toMatchObject({ content: { language_info: { name: 'python' } } })
  expect(await kernel.ask('execute_request', { code: 'x'.repeat(2 ** 20 + 1) })).toMatchObject({
    content: { status: 'error' },
  })
  expect((await cells()).length).toBe(before)
  expect(await kernel.ask('execute_request', { code: 'print("a cell")' })).toMatchObject({ content: { status: 'ok' } })
  expect((await cells()).length).toBe(before + 1)
  kernel.socket.close()
})

test('nothing is changed, installed or converted by it, and nobody else is let in', async () => {
  const path = '/api/contents/notebook.ipynb'
  const copy = async () => (await ask(`${path}?content=1`)).text()
  await expect.poll(copy).toContain('a cell')
  const headers = await xsrfHeaders()
  const refused = [
    ['PUT', path],
    ['PATCH', path],
    ['DELETE', path],
    ['POST', '/api/contents'],
    ['POST', `${path}/checkpoints`],
    ['POST', '/api/terminals'],
    ['POST', '/api/shutdown'],
    ['POST', '/lab/api/extensions'],
    ['POST', '/lab/api/build'],
    ['POST', '/api/nbconvert/html'],
    ['GET', '/nbconvert/html/notebook.ipynb'],
    ['GET', '/files/notebook.ipynb'],
    ['GET', '/lab/api/news'],
    ['GET', '/lab/api/update'],
    ['PUT', '/api/config/notebook'],
  ] as const
  for (const [method, where] of refused)
    expect([where, (await ask(where, method, headers)).status]).toEqual([where, 403])
  expect((await ask('/api/terminals')).status).toBe(403)
  // Not compared as a whole: the copy may just have followed the notebook.
  expect(await copy()).toContain('a cell')
  expect((await ask('/api/contents/../../config')).status).toBe(403)

  for (const wrong of [{}, { Authorization: 'token of-another' }])
    expect([(await ask(path, 'GET', wrong)).status, (await ask('/api/kernels', 'GET', wrong)).status]).toEqual([
      403, 403,
    ])
  const page = await ask('/lab')
  expect(page.headers.get('content-security-policy')).toMatch(/script-src 'self' 'unsafe-eval' 'sha256-[^']+';/)
})

/** Of every kind that JupyterLab would draw; it draws no more than fifty outputs of a cell. */
const ATTACK_SIZE = 8
const attack = (from: number) => `import json, sys
from IPython.display import display
texts = json.load(open("payloads.json"))[${from}:${from + ATTACK_SIZE}]
for text in texts:
    for mime in ("text/html", "text/markdown", "text/latex", "application/javascript", "text/plain"):
        display({mime: text}, raw=True, metadata={"isolated": True})
    if "<svg" in text:
        display({"image/svg+xml": text}, raw=True)
print("".join(texts), file=sys.stderr)
raise ValueError("".join(texts))`
const LATEX = String.raw`$\href{javascript:console.log('${CANARY}')}{click} \style{background:url(http://${CANARY_HOST}/latex)}{x} \cssId{a}{y}$`

test('whatever a cell puts out, and an agent writes, nothing of it acts in the page', async () => {
  const payloads = [...PAYLOADS.map(({ text }) => text), LATEX]
  await notebook.sandbox.writeFile('payloads.json', JSON.stringify(payloads))
  // Closed before anything else is in its way.
  await lab[Symbol.asyncDispose]()
  lab = await openLab(browser, url.href)
  const acted: string[] = []
  lab.page.on('console', (message) => {
    if (message.type() === 'log' && message.text().includes(CANARY)) acted.push(message.text())
  })
  lab.page.on('dialog', (dialog) => void acted.push(dialog.message()))
  lab.page.context().on('page', (page) => acted.push(page.url()))
  await lab.page.evaluate(`console.log('${CANARY} is noticed')`)
  expect(acted.splice(0)).toHaveLength(1)

  await notebook.call('add_markdown', { text: payloads.join('\n\n') })
  const parts = payloads
    .keys()
    .filter((at) => at % ATTACK_SIZE === 0)
    .toArray()
  for (const at of parts) await notebook.cell(attack(at))
  for (const at of parts) {
    const before = (await cells()).length
    await lab.run(attack(at))
    await expect.poll(async () => (await cells()).length).toBe(before + 1)
  }
  const ended = async () => (await notebook.log()).of('cell-end').length
  await expect.poll(async () => (await ended()) === (await cells()).length).toBe(true)
  for (const place of ['.jp-CodeConsole', '.jp-NotebookPanel']) {
    const outputs = lab.page.locator(`${place} .jp-OutputArea-output`)
    await expect.poll(() => outputs.filter({ hasText: 'ValueError' }).count()).toBeGreaterThanOrEqual(parts.length)
    expect(await outputs.locator('iframe').count()).toBeGreaterThan(payloads.length)
    const found = await lab.page.evaluate<{ loose: number; scripts: number; handlers: string[] }>(`(() => {
      const nodes = [...document.querySelectorAll('${place} .jp-OutputArea-output *, ${place} .jp-MarkdownOutput *')]
      return {
        loose: nodes.filter((node) => node.tagName === 'IFRAME' && (node.getAttribute('sandbox') !== '' || node.src)).length,
        scripts: nodes.filter((node) => /^(SCRIPT|OBJECT|EMBED|LINK|META|BASE|FORM)$/i.test(node.tagName)).length,
        handlers: nodes.flatMap((node) => [...node.attributes]).map(({ name }) => name).filter((name) => /^on/i.test(name)),
      }
    })()`)
    expect([place, found]).toEqual([place, { loose: 0, scripts: 0, handlers: [] }])
    await lab.page
      .evaluate(`for (const link of document.querySelectorAll('${place} .jp-OutputArea-output a, ${place} .jp-MarkdownOutput a'))
      if (!/^https?:/.test(link.getAttribute('href') ?? '')) link.click()`)
  }
  await lab.page.waitForTimeout(500)
  expect({ acted, foreign: lab.foreign }).toEqual({ acted: [], foreign: [] })
})

/** A page's cookie, and the header that must be the same. */
async function xsrfHeaders(): Promise<Record<string, string>> {
  const answer = await ask('/lab')
  const cookies = answer.headers.getSetCookie().map((line) => line.split(';', 1)[0]!)
  const xsrf = cookies.find((cookie) => cookie.startsWith('_xsrf='))!.slice('_xsrf='.length)
  return { Authorization: `token ${token()}`, Cookie: cookies.join('; '), 'X-XSRFToken': xsrf }
}

interface Message {
  readonly header: { msg_type: string }
  readonly parent_header: { msg_id?: string }
  readonly channel: string
  readonly content: Record<string, unknown>
}

/** As a tab does it. */
async function connect() {
  const [{ id }] = (await (await ask('/api/kernels')).json()) as [{ id: string }]
  const address = `ws://${url.host}/api/kernels/${id}/channels?session_id=test&token=${token()}`
  const socket = new WebSocket(address)
  const waiting = new Map<string, (message: Message) => void>()
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as Message
    if (message.channel === 'shell') waiting.get(message.parent_header.msg_id ?? '')?.(message)
  })
  await new Promise((resolve) => socket.once('open', resolve))
  let count = 0
  const send = (type: string, content: object) => {
    const header = { msg_id: `m${++count}`, msg_type: type, session: 'test', username: '', date: '', version: '5.3' }
    socket.send(JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: 'shell' }))
    return header.msg_id
  }
  const answered = (type: string, content: object) =>
    new Promise<Message>((resolve) => void waiting.set(send(type, content), resolve))
  return { socket, send, ask: answered }
}
