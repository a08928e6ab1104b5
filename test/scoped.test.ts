/** Served functions, called from cells of another sandbox: what arrives, what comes back, and what the log says of it. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { ScopedSandbox } from '../src/interface/scoped-sandbox.ts'
import type { Run } from '../src/run/run.ts'
import { runTool, type ToolContext } from '../src/tools/tool.ts'
import { localServers } from '../src/mcp/local.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { confinedRun, eventsOf, KIT, startScoped, type Scoped } from './fixtures/scoped.ts'
import { ownState } from './fixtures/walled.ts'

let root: string
beforeAll(() => (root = ownState()))
afterAll(async () => {
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

function asAgent({ emit, signal, storeArtifact }: Run): ToolContext {
  return { emit, signal, storeArtifact, by: 'agent:a' }
}

describe.each([{ unconfined: false }, { unconfined: true }])('%j', ({ unconfined }) => {
  let one: Scoped
  beforeAll(async () => (one = await startScoped({ unconfined })))
  afterAll(() => one[Symbol.asyncDispose]())

  test('the library has real signatures and docstrings, and offers nothing else', async () => {
    const code =
      'import kit, inspect\nprint(inspect.signature(kit.add), "|", inspect.getdoc(kit.add))\nprint(sorted(kit.__all__))'
    const [first, ...rest] = (await one.says(code)).split('\n')
    expect(first).toBe('(a: int, b: int = 2, *, scale: float = 1.0) -> float | (a + b) × scale.')
    expect(rest.join('\n')).toContain('Second paragraph, with \'quotes\', "these" and a backslash: \\n.')
    expect(rest.at(-1)).toMatch(/'add', 'at_once'/)
  })

  test('numbers, texts and arrays arrive as they were', async () => {
    const code = `
import kit, numpy as np, math
values = [None, True, 1.0, -0.0, 2**60 + 1, 1e-320, "é😀\\x00", [], {}, {"a": [1, [2, {"b": None}]]}]
same = all(repr(kit.echo(value)) == repr(value) for value in values)
a = np.arange(6, dtype=np.float32).reshape(2, 3).T
got = kit.echo({"deep": [a, float("nan"), float("-inf"), b"bytes"]})["deep"]
print(same, got[0].dtype, got[0].shape, bool((got[0] == a).all()), got[1:], kit.scaled(a, 2.0).sum(), kit.later(4))`
    expect(await one.says(code)).toBe("True float32 (3, 2) True [nan, -inf, b'bytes'] 30.0 5")
  })

  test('dataclasses, literals, keywords and defaults, and modules beside the file', async () => {
    const code =
      'print(kit.weigh([{"text": "a"}, {"text": "b", "weight": 4}], how="max"), kit.weigh(items=[{"text": "a"}], cap=0.5), kit.add(1, scale=2.5))'
    expect(await one.says(code)).toBe("{'weight': 4.0, 'n': 2.0} {'weight': 0.5, 'n': 1.0} 7.5")
  })

  test.each([
    ['kit.add()', "TypeError: add() missing a required argument: 'a'"],
    ['kit.add("1")', "add(): a: expected int, got str '1'"],
    ['kit.add(True)', 'add(): a: expected int, got bool True'],
    ['kit.weigh([{"text": 1}])', 'items[0].text'],
    ['kit.weigh([], how="mean")', 'how'],
    ['kit.weigh([{"text": "a", "wieght": 1}])', 'wieght'],
    ['kit.fails("x")', 'ValueError: no: x'],
    ['kit.unserializable()', 'module'],
    ['kit.big(9)', 'at most 8.0 MiB can travel at once'],
    ['kit.nothing()', "has no attribute 'nothing'"],
    ['kit.echo({1: 2})', 'str'],
    ['kit.echo(object())', 'object'],
  ])('%s says what is wrong', async (code, text) => {
    const said = await one.raises(code)
    expect(said).toContain(text)
    const { scoped } = one
    expect(said).not.toContain(root)
    expect(said).not.toContain(scoped.sandboxId)
  })

  test('an exception has the frames of the file, with their lines, and no path of a machine', async () => {
    const said = await one.raises('kit.fails("deep")')
    expect(said).toContain('kit.py')
    expect(said).toContain('raise ValueError(f"no: {text}")')
    expect(said).not.toMatch(/\/workspace\/interfaces|seer_interface|\/opt\//)
  })

  test('the log says who called from which cell, what was asked and what came of it', async () => {
    await one.says('kit.add(20, 22)')
    const starts = await one.events('call-start')
    const ends = await one.events('call-end')
    const start = starts.at(-1)!
    const end = ends.at(-1)!
    expect(start).toMatchObject({
      by: 'researcher',
      session: one.session.sessionId,
      sandbox: one.sandbox.sandboxId,
      interface: 'kit',
      function: 'add',
      from: 'library',
      args: { text: '{"a":20,"b":22}' },
    })
    const cells = (await one.events('cell-start')).filter(({ cell }) => cell === start.cell)
    expect(cells.map(({ code }) => code)).toEqual(['kit.add(20, 22)'])
    expect(end).toMatchObject({ call: start.call, status: 'ok', result: { text: '42.0', bytes: 4 } })
    // Before the end of the cell that called.
    const cellEnd = (await one.events('cell-end')).find(({ cell }) => cell === start.cell)!
    expect(end.seq).toBeLessThan(cellEnd.seq)
  })

  test('long values are kept whole beside the log, arrays by their hash', async () => {
    await one.says('x = kit.echo("ab" * 5000)\ny = kit.echo(np.zeros(3, dtype=np.uint8))')
    const [long, array] = (await one.events('call-end')).slice(-2)
    const text = JSON.stringify('ab'.repeat(5000))
    const sha256 = createHash('sha256').update(text).digest('hex')
    expect(long!.result).toEqual({ text: text.slice(0, 4096), bytes: text.length, sha256 })
    expect(readFileSync(join(one.run.folder, 'artifacts', sha256), 'utf8')).toBe(text)
    const zeros = createHash('sha256').update(Buffer.alloc(3)).digest('hex')
    expect(array!.result!.buffers).toEqual([{ bytes: 3, sha256: zeros }])
  })

  test('what the file prints is in the log, and disturbs nothing', async () => {
    await one.says('kit.says("\\x1b[31mhello")\nkit.says("{}")')
    await until('the log says so', async () =>
      (await one.events('interface-output')).some(({ text }) => text.includes('{}')),
    )
    const printed = await one.events('interface-output')
    const all = (stream: string) => printed.flatMap((event) => (event.stream === stream ? [event.text] : [])).join('')
    expect(all('stdout')).toBe('kit is loaded\n\u001b[31mhello\n{}\n')
    expect(all('stderr')).toContain('HELLO')
  })

  test('several at once where the function says so, one at a time where it does not', async () => {
    const code = `
import threading, time
def run(n, f):
    out = []
    threads = [threading.Thread(target=lambda: out.append(f())) for _ in range(n)]
    began = time.monotonic()
    for t in threads: t.start()
    for t in threads: t.join()
    return out, time.monotonic() - began
out, took = run(20, lambda: kit.at_once(0.5))
print(len(out), took < 5)
numbers, _ = run(20, kit.count)
print(sorted(numbers) == list(range(min(numbers), min(numbers) + 20)))`
    expect(await one.says(code)).toBe('20 True\nTrue')
  })

  test('served again under its name it is the same process; under another name it is another', async () => {
    const { scoped } = one
    const before = processesOf(root).length
    const config = await scoped.serve(KIT, { exposeAs: 'mcp', name: 'kit' })
    expect(processesOf(root).length).toBe(before)
    const prompt = await scoped.serve(KIT, { exposeAs: 'prompt', name: 'kit' })
    expect(prompt).toContain('`add(a: int, b: int = 2, *, scale: float = 1.0) -> float`')
    const other = await scoped.serve(KIT, { exposeAs: 'mcp', name: 'kit_2' })
    const count = async (mcp: typeof config) => {
      const [server] = localServers(mcp)
      const context = asAgent(one.run)
      const result = await runTool(server!.tools, { id: 't', name: 'count', input: {} }, context)
      return (result.structured as { result: number }).result
    }
    const here = Number(await one.says('print(kit.count())'))
    expect([await count(config), await count(other)]).toEqual([here + 1, 1])
    const last = (await one.events('call-start')).at(-1)!
    expect(last).toMatchObject({ by: 'agent:a', from: 'tool', interface: 'kit_2' })
    expect(last.session).toBeUndefined()
    const taken = scoped.serve(`${KIT}x.py`, { exposeAs: 'mcp', name: 'kit' })
    await expect(taken).rejects.toMatchObject({ code: 'interface-name' })
  })

  test('a scoped sandbox has files and commands of its own', async () => {
    const { scoped, sandbox } = one
    await scoped.writeFile('table.csv', 'a,b\n')
    expect(await scoped.exec('cat table.csv')).toBe('a,b\n')
    expect(Buffer.from(await scoped.readFile('table.csv')).toString()).toBe('a,b\n')
    await expect(sandbox.readFile('table.csv')).rejects.toMatchObject({ code: 'file-missing' })
  })

  test('as tools: schemas for a model, and errors as results', async () => {
    const [server] = localServers(await one.scoped.serve(KIT, { exposeAs: 'mcp', name: 'kit' }))
    const tools = server!.tools
    const context = asAgent(one.run)
    const call = (name: string, input: unknown) => runTool(tools, { id: 't', name, input }, context)
    expect(await call('weigh', { items: [{ text: 'a', weight: 2 }] })).toMatchObject({
      structured: { result: { weight: 2, n: 1 } },
    })
    expect(await call('scaled', { values: [[1, 2]], by: 2 })).toMatchObject({
      structured: { result: '<array of float64, shape 1 × 2>' },
    })
    expect(await call('add', { a: 'x' })).toMatchObject({ isError: true, structured: { error: 'invalid-input' } })
    expect(await call('fails', { text: 'x' })).toMatchObject({
      isError: true,
      structured: { error: 'interface-raised' },
    })
    expect(await call('fials', { text: 'x' })).toMatchObject({ isError: true, structured: { error: 'unknown-tool' } })
  })

  test('as a tool, a function that is interrupted while it runs: the call says so, as that of any tool does', async () => {
    const [server] = localServers(await one.scoped.serve(KIT, { exposeAs: 'mcp', name: 'kit' }))
    const stop = new AbortController()
    const context = { ...asAgent(one.run), signal: stop.signal }
    const begun = (await one.events('call-start')).length
    const called = runTool(server!.tools, { id: 'sleeps', name: 'sleeps', input: { seconds: 60 } }, context)
    await until('the call', async () => (await one.events('call-start')).length > begun)
    stop.abort()
    expect(await called).toMatchObject({ isError: true, structured: { error: 'interrupted' } })
    expect((await one.events('call-end')).at(-1)).toMatchObject({ function: 'sleeps', status: 'cancelled' })
    expect((await one.events('tool-end')).at(-1)).toMatchObject({
      name: 'sleeps',
      structured: { error: 'interrupted' },
    })
  })

  test('a finding rests on calls that were made and went well', async () => {
    const answer = z.object({ more: z.boolean() })
    const [server] = localServers(await one.scoped.serve(KIT, { exposeAs: 'mcp', name: 'kit', answer }))
    const context = asAgent(one.run)
    const call = (name: string, input: unknown) => runTool(server!.tools, { id: 't', name, input }, context)
    const submit = (calls: string[]) =>
      call('submit_finding', { claim: 'It adds.', confidence: 1, calls, answer: { more: true } })
    const { call: good } = (await call('add', { a: 1 })).structured as { call: string }
    await call('fails', { text: 'x' })
    const failed = (await one.events('call-end')).at(-1)!.call
    for (const calls of [[good, failed], ['f0'], ['add']]) {
      expect(await submit(calls)).toMatchObject({ isError: true, structured: { error: 'unknown-call' } })
    }
    expect(await submit([good])).toMatchObject({ structured: { accepted: true } })
  })

  test('what a file prints without end is cut, and its functions go on', async () => {
    const mcp = await one.scoped.serve(KIT, { exposeAs: 'mcp', name: 'loud' })
    const context = asAgent(one.run)
    const [server] = localServers(mcp)
    const says = (text: string) => runTool(server!.tools, { id: 't', name: 'says', input: { text } }, context)
    for (let i = 0; i < 5; i += 1) expect((await says('x'.repeat(200_000))).isError).toBeFalsy()
    const printed = async () => (await one.events('interface-output')).filter((event) => event.interface === 'loud')
    await until('it is cut', async () => (await printed()).some(({ text }) => text.includes('was left out')))
    const length = (await printed()).reduce((sum, { text }) => sum + text.length, 0)
    expect(length).toBeLessThan(300_000)
  })
})

test('a sandbox that is ended offers its tools no longer', async () => {
  const scoped = await ScopedSandbox.start({}, { run: confinedRun(), progress: () => undefined })
  const config = await scoped.serve(KIT, { exposeAs: 'mcp' })
  expect(localServers(config)).toHaveLength(1)
  await scoped.terminate()
  expect(() => localServers(config)).toThrow('is not one of this process')
})

test('what cannot be served is said before anything can be called', async () => {
  const folder = join(root, 'bad')
  mkdirSync(folder)
  const bad: [string, string, RegExp][] = [
    ['raises', '\n\n1 / 0\n', /ZeroDivisionError: division by zero\n(.*\n)*.*raises\.py, line 3, in <module>/],
    ['syntax', 'def f(:\n', /SyntaxError|invalid syntax/],
    ['nothing', 'x = 1\n', /@expose/],
    ['stars', '@expose\ndef f(*args):\n    return args\n', /\*args/],
    ['kinds', '@expose\ndef f(x: set[int]):\n    return 1\n', /set/],
    ['ends', 'import os\nos._exit(7)\n', /exit code 7/],
  ]
  await using scoped = await ScopedSandbox.start({}, { run: confinedRun(), progress: () => undefined })
  for (const [name, text, message] of bad) {
    writeFileSync(join(folder, `${name}.py`), text)
    const serving = scoped.serve(join(folder, `${name}.py`), { exposeAs: 'library' })
    const error: unknown = await serving.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'interface-invalid', message: expect.stringMatching(message) as string })
    expect((error as Error).message).not.toContain(root)
  }
  writeFileSync(join(folder, 'raises.py'), '@expose\ndef f() -> int:\n    return 1\n')
  const tools = await scoped.serve(join(folder, 'raises.py'), { exposeAs: 'mcp' })
  expect(localServers(tools)[0]!.tools.map(({ name }) => name)).toEqual(['f'])
  writeFileSync(join(folder, 'raises.py'), '@expose\ndef g() -> int:\n    return 1\n')
  await scoped.reload('raises')
  const again = await scoped.serve(join(folder, 'raises.py'), { exposeAs: 'mcp' })
  expect(localServers(again)[0]!.tools.map(({ name }) => name)).toEqual(['g'])
  const ends = (await eventsOf(scoped.run)).filter(({ type }) => type === 'interface-start')
  expect(ends).toHaveLength(2)
})
