/** Two agents and two pages on one session, of which one page and one agent are cut off: the others notice nothing. */
import { dirname } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { connected, serverOf } from '../fixtures/mcp-client.ts'
import { processesOf, until } from '../fixtures/processes.ts'
import { logOf, numbered } from '../fixtures/run-folder.ts'
import { startOwnTried, startTried } from '../fixtures/walled.ts'
import { startServer } from '../viewer-client.ts'

const COUNT = 40
const counting = (name: string) => `import time
for n in range(${COUNT}):
    print("line", n)
    time.sleep(0.05) # of ${name}`

let tried: Awaited<ReturnType<typeof startOwnTried>>
beforeEach(async () => void (tried = await startOwnTried()))
afterEach(() => tried[Symbol.asyncDispose]())
const log = () => logOf(tried.run.folder)

test('each agent has its own cell whole, each page every event once', async () => {
  const viewer = await startServer(dirname(tried.run.folder))
  const stays = await viewer.page(tried.run.id)
  const goes = await viewer.page(tried.run.id)
  await using one = await connected(tried.session.mcpConfig, { name: 'one' })
  await using two = await connected(tried.session.mcpConfig, { era: 'modern', name: 'two' })
  await using third = await connected(tried.session.mcpConfig, { name: 'third' })

  const calls = [
    one.says('execute_code', { code: counting('one') }),
    two.says('execute_code', { code: counting('two') }),
  ]
  await until('the first cell', async () => (await log()).printed('c2').includes('line 3\n'))
  goes.close()
  const left = third.call('execute_code', { code: 'print("of nobody")' })
  left.catch(() => undefined)
  await third.transport.close()
  process.kill(processesOf(tried.root).find(({ kind }) => kind === 'relay')!.pid, 'SIGKILL')
  for (const text of await Promise.all(calls))
    expect(text).toMatch(new RegExp(`ok\\.\\nline 0\\n[^]*line ${COUNT - 1}$`))

  const back = await viewer.page(tried.run.id, { id: goes.id! })
  const facts = await log()
  for (const [cell, by] of [
    ['c2', 'agent:one'],
    ['c3', 'agent:two'],
  ] as const) {
    expect(facts.printed(cell)).toBe(numbered(COUNT))
    expect(facts.of('cell-start').find((event) => event.cell === cell)?.by).toBe(by)
    expect(facts.of('cell-end').filter((event) => event.cell === cell)).toMatchObject([{ status: 'ok' }])
  }
  const all = facts.events.map(({ seq }) => seq)
  await until('the pages', () => stays.seqs.length >= all.length && goes.seqs.length + back.seqs.length >= all.length)
  expect(stays.seqs.slice(0, all.length)).toEqual(all)
  expect([...goes.seqs, ...back.seqs].slice(0, all.length)).toEqual(all)
  expect([...stays.problems, ...goes.problems, ...back.problems]).toEqual([])
})

test('the token of a session opens no other, nor the page; that of the page no session', async () => {
  const other = await startTried({ unconfined: false })
  try {
    const mine = serverOf(tried.session.mcpConfig)
    const foreign = serverOf(other.session.mcpConfig)
    const viewer = await startServer(dirname(tried.run.folder))
    const pageToken = new URL(viewer.viewer.url()).searchParams.get('token')!
    for (const headers of [foreign.headers, { Authorization: `Bearer ${pageToken}` }]) {
      const code = { name: 'execute_code', arguments: { code: 'print("let in")' } }
      const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: code })
      const accept = { 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' }
      const told = await fetch(mine.url, { method: 'POST', headers: { ...headers, ...accept }, body })
      expect([told.status, await told.text()]).toEqual([401, ''])
      await expect(
        connected({ mcpServers: { notebook: { type: 'http', url: mine.url, headers } } }, { name: 'foreign' }),
      ).rejects.toThrow(/401|POSTing/)
    }
    const token = mine.headers['Authorization']!.slice('Bearer '.length)
    expect((await viewer.ask(`/?token=${token}`, { bare: true })).status).toBe(401)
    expect((await viewer.ask('/api/runs', { bare: true, headers: { authorization: `Bearer ${token}` } })).status).toBe(
      401,
    )
    expect((await log()).of('tool-start')).toEqual([])
  } finally {
    await other[Symbol.asyncDispose]()
  }
})
