/** The MCP server of a session, next to a real kernel, through the official SDK's client in both protocols. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { connected, ERAS, serverOf, textOf, type Connected } from './fixtures/mcp-client.ts'
import { logOf } from './fixtures/run-folder.ts'
import { startOwnTried } from './fixtures/walled.ts'

let tried: Awaited<ReturnType<typeof startOwnTried>>
beforeAll(async () => void (tried = await startOwnTried()))
afterAll(() => tried[Symbol.asyncDispose]())
const log = () => logOf(tried.run.folder)

describe.each(ERAS)('%s', (era) => {
  let one: Connected
  beforeAll(async () => {
    one = await connected(tried.session.mcpConfig, { era, name: `A ${era} Client!` })
  })
  afterAll(() => one[Symbol.asyncDispose]())

  test('the tools, with schemas and what they do', async () => {
    const { tools } = await one.client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(tried.session.tools.map(({ name }) => name))
    for (const { inputSchema, outputSchema, annotations, title } of tools)
      expect({ inputSchema, outputSchema, annotations, title }).toEqual({
        inputSchema: expect.objectContaining({ type: 'object', additionalProperties: false }),
        outputSchema: expect.objectContaining({ type: 'object' }),
        annotations: expect.objectContaining({ readOnlyHint: expect.any(Boolean), title }),
        title: expect.any(String),
      })
    expect(tools.filter(({ annotations }) => annotations?.readOnlyHint).map(({ name }) => name)).toEqual([
      'wait_cell',
      'read_output',
    ])
    expect(one.client.getInstructions()).toContain('execute_code')
  })

  test('a cell: text, structured output, and who ran it', async () => {
    const result = await one.call('execute_code', { code: 'print("hello " + "é" * 3)' })
    expect(textOf(result)).toMatch(/^\[c\d+\] ok\.\nhello ééé$/)
    expect(result.structuredContent).toMatchObject({ status: 'ok', generation: 1 })
    const { cell } = result.structuredContent as { cell: string }
    const facts = await log()
    expect(facts.of('cell-start').find((event) => event.cell === cell)?.by).toBe(`agent:a-${era}-client`)
    expect(facts.of('tool-start').at(-1)).toMatchObject({ by: `agent:a-${era}-client`, name: 'execute_code' })
  })

  test('a figure is an image', async () => {
    const code = `from IPython.display import Image, display
import base64
display(Image(data=base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")))`
    const { content } = await one.call('execute_code', { code })
    expect(content.at(-1)).toMatchObject({
      type: 'image',
      mimeType: 'image/png',
      data: expect.stringMatching(/^iVBOR/),
    })
  })

  test('what the caller can mend is a result', async () => {
    for (const [name, input, said] of [
      ['execute_code', { code: 'print(1)', more: 1 }, /more/],
      ['execute_code', {}, /code/],
      ['execute_cod', { code: '1' }, /did you mean "execute_code"/],
      ['wait_cell', { cell: 'c999' }, /There is no cell "c999"/],
    ] as const) {
      const result = await one.call(name, input)
      expect(result.isError).toBe(true)
      expect(textOf(result)).toMatch(said)
    }
  })

  test('the notebook and the files of the workspace can be read', async () => {
    await one.call('execute_code', {
      code: 'import pathlib\npathlib.Path("a b").mkdir(exist_ok=True)\npathlib.Path("a b/ü?.txt").write_text("text é")\npathlib.Path("bytes.bin").write_bytes(bytes(range(256)))\npathlib.Path(".cache").mkdir(exist_ok=True)\npathlib.Path(".cache/x").write_text("")',
    })
    const { resources } = await one.client.listResources()
    const uris = resources.map(({ uri }) => uri)
    expect(uris[0]).toBe('seer://notebook.ipynb')
    expect(uris).toContain('seer://workspace/a%20b/%C3%BC%3F.txt')
    expect(uris.filter((uri) => uri.includes('.cache'))).toEqual([])
    const text = await one.client.readResource({ uri: 'seer://workspace/a%20b/%C3%BC%3F.txt' })
    expect(text.contents).toMatchObject([{ text: 'text é', mimeType: 'text/plain' }])
    const bytes = await one.client.readResource({ uri: 'seer://workspace/bytes.bin' })
    expect(Buffer.from((bytes.contents[0] as { blob: string }).blob, 'base64')).toEqual(
      Buffer.from(Array.from({ length: 256 }, (_, n) => n)),
    )
    const notebook = await one.client.readResource({ uri: 'seer://notebook.ipynb' })
    const { cells } = JSON.parse((notebook.contents[0] as { text: string }).text) as { cells: { source: string }[] }
    expect(cells.some(({ source }) => source.includes('bytes.bin'))).toBe(true)
    expect((await one.client.listResourceTemplates()).resourceTemplates).toMatchObject([
      { uriTemplate: 'seer://workspace/{+path}' },
    ])
    for (const uri of [
      'seer://workspace/not-there',
      'seer://workspace/..%2f..%2f..%2fetc/passwd',
      'seer://workspace/../../etc/passwd',
      'seer://workspace/%zz',
      'seer://workspace/',
      'seer://other',
      'file:///etc/passwd',
    ])
      await expect(one.client.readResource({ uri })).rejects.toMatchObject({ code: -32_602 })
  })

  test('while a cell goes on, its last line is told', async () => {
    const told: string[] = []
    const code = 'import time\nfor i in range(4):\n    print(f"step {i}\\x1b[2J\\x07", flush=True); time.sleep(0.7)'
    await one.call('execute_code', { code }, { onprogress: ({ message }) => void told.push(message ?? '') })
    expect(told.length).toBeGreaterThan(1)
    expect(told.at(-1)).toMatch(/^step \d␇?$/)
    expect(told.join()).not.toMatch(/\p{Cc}/u)
  })

  test('cancelling a call interrupts the kernel, and its variables stay', async () => {
    await one.call('execute_code', { code: 'kept = 7' })
    const stop = new AbortController()
    const code = 'import time\nfor n in range(600): time.sleep(0.1)'
    const call = one.call('execute_code', { code }, { signal: stop.signal })
    const cell = await running()
    stop.abort()
    await expect(call).rejects.toThrow(/abort/i)
    await vi.waitFor(async () => expect(await endOf(cell)).toBe('error'), 20_000)
    expect((await log()).of('cell-interrupt').filter((event) => event.cell === cell)).toMatchObject([
      { how: 'message' },
    ])
    await vi.waitFor(async () => {
      const end = (await log()).of('tool-end').at(-1)
      expect(end).toMatchObject({ isError: true, structured: { error: 'interrupted' } })
    }, 20_000)
    expect(await one.says('execute_code', { code: 'print(kept)' })).toMatch(/7$/)
  })

  test('so does a client that is gone in the middle of a call', async () => {
    const other = await connected(tried.session.mcpConfig, { era, name: 'leaver' })
    const call = other.call('execute_code', { code: 'import time\nfor n in range(600): time.sleep(0.1)' })
    call.catch(() => undefined)
    const cell = await running()
    // Without a word: neither a cancellation nor the end of its session.
    await other.transport.close()
    await vi.waitFor(async () => expect(await endOf(cell)).toBe('error'), 20_000)
    expect(await one.says('execute_code', { code: 'print(1 + 1)' })).toMatch(/2$/)
  })
})

test('code behind the wall cannot reach it', async () => {
  const { url } = serverOf(tried.session.mcpConfig)
  const code = `import socket\ntry:\n    socket.create_connection(("127.0.0.1", ${new URL(url).port}), timeout=3)\n    print("reached")\nexcept OSError as error:\n    print("refused", error)`
  expect(await tried.says(code)).toMatch(/^refused/)
})

async function running(): Promise<string> {
  return vi.waitFor(async () => {
    const facts = await log()
    const ended = new Set(facts.of('cell-end').map(({ cell }) => cell))
    const open = facts.of('cell-start').find(({ cell }) => !ended.has(cell))
    if (open?.cell === undefined) throw new Error('no cell runs')
    await sleep(300)
    return open.cell
  }, 20_000)
}

async function endOf(cell: string): Promise<string | undefined> {
  return (await log()).of('cell-end').find((event) => event.cell === cell)?.status
}
