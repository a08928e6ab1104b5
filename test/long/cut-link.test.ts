/** The link to a sandbox is cut for a minute while several work in it: nobody is told an end that was not, and nothing is missing. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { cutLink } from '../fixtures/cut-link.ts'
import { connected, textOf, type Connected } from '../fixtures/mcp-client.ts'
import { until } from '../fixtures/processes.ts'
import { logOf, numbered, shownBy } from '../fixtures/run-folder.ts'
import { startOwnTried } from '../fixtures/walled.ts'

const CUT_MS = 60_000
const COUNT = 80
/** Ends while the link is cut. */
const COUNTING = `import time
open("ran.txt", "a").write("it ran\\n")
for n in range(${COUNT}):
    print("line", n)
    time.sleep(0.5)`

let tried: Awaited<ReturnType<typeof startOwnTried>>
beforeEach(async () => void (tried = await startOwnTried()))
afterEach(() => tried[Symbol.asyncDispose]())

test('a minute without a link: cells go on, clients are told that they do, and all of it comes afterwards', async () => {
  await using one = await connected(tried.session.mcpConfig, { name: 'one' })
  await using two = await connected(tried.session.mcpConfig, { era: 'modern', name: 'two' })
  const log = () => logOf(tried.run.folder)
  const told: string[] = []
  const silent: string[] = []
  let isCut = true
  /** As agents do: again until the cell has ended, or the kernel is free. What is told while the link is cut is kept. */
  async function call(agent: Connected, name: string, input: object): Promise<string> {
    let progress = 0
    const startedAt = performance.now()
    const result = await agent.call(name, input, { onprogress: () => void (progress += 1), timeout: 200_000 })
    const text = textOf(result)
    if (progress === 0 && performance.now() - startedAt > 15_000) silent.push(name)
    if (isCut) told.push(text)
    const { cell, status } = (result.structuredContent ?? {}) as { cell?: string; status?: string }
    if (status === 'running') return call(agent, 'wait_cell', { cell })
    return result.isError ? call(agent, name, input) : text
  }

  const counting = call(one, 'execute_code', { code: COUNTING })
  await until('its first lines', async () => (await log()).printed('c2').includes('line 3\n'))
  const cut = cutLink(tried.root, CUT_MS).then(() => (isCut = false))
  const waiting = call(two, 'execute_code', {
    code: 'open("ran.txt", "a").write("two\\n")\nprint(open("ran.txt").read())',
  })
  await cut
  expect((await log()).of('cell-end').map(({ cell }) => cell)).toEqual(['c1'])
  for (const text of told)
    expect(text).toMatch(/\[c2\] is still running\.|^Nothing was run: one has a cell running in this kernel\./)
  expect(told.length).toBeGreaterThanOrEqual(3)
  expect(silent).toEqual([])

  expect(await counting).toMatch(new RegExp(`\\[c2\\] ok\\.\\n[^]*line ${COUNT - 1}`))
  expect(await waiting).toMatch(/ok\.\nit ran\ntwo$/)
  const facts = await log()
  expect(facts.printed('c2')).toBe(numbered(COUNT))
  expect(facts.of('output-lost')).toEqual([])
  expect(facts.of('cell-end').map(({ cell, status }) => [cell, status])).toEqual([
    ['c1', 'ok'],
    ['c2', 'ok'],
    ['c3', 'ok'],
  ])
  await tried[Symbol.asyncDispose]()
  expect(shownBy(tried.run.folder, 'it ran')).toBe(numbered(COUNT))
})
