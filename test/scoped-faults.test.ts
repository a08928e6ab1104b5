/** Served functions when something goes wrong: code that cheats, processes that end or hang, sandboxes that end in mid-call. */
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import { createNotebookSession, playerOf } from '../src/session/notebook-session.ts'
import { textOf } from '../src/session/text-of-cell.ts'
import { runTool } from '../src/tools/tool.ts'
import { Library } from '../src/workspace/library.ts'
import { Workspace } from '../src/workspace/workspace.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { KIT, startScoped, type Scoped } from './fixtures/scoped.ts'
import { ownState } from './fixtures/walled.ts'

let root: string
let one: Scoped
beforeAll(async () => {
  root = ownState()
  one = await startScoped({ unconfined: false })
})
afterAll(async () => {
  await one[Symbol.asyncDispose]()
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

/** Speaks to the socket directly, as an agent that does not like the client might. */
const RAW = `
import json, os, socket, struct
def raw(*parts, prefix=None):
    s = socket.socket(socket.AF_UNIX); s.settimeout(20)
    s.connect(os.environ["SEER_CALLS"])
    for part in parts:
        try: s.sendall(part)
        except OSError: break
    got = b""
    try:
        while chunk := s.recv(65536): got += chunk; 
    except TimeoutError: got += b"(still open)"
    except OSError: pass
    s.close()
    return got
def frame(head, body=b"{}", data=b""):
    head = json.dumps(head).encode()
    return struct.pack(">III", len(head), len(body), len(data)) + head + body + data
def kinds(got):
    found = []
    while len(got) >= 12:
        h, b, d = struct.unpack(">III", got[:12]); head = json.loads(got[12:12 + h]); got = got[12 + h + b + d:]
        found.append(head["kind"] + ":" + head.get("error", {}).get("kind", ""))
    return found
import threading
def answered(head, body=b"{}", data=b""):
    s = socket.socket(socket.AF_UNIX); s.settimeout(20); s.connect(os.environ["SEER_CALLS"])
    s.sendall(frame(head, body, data)); got = s.recv(65536); s.close()
    return kinds(got)
`

describe('code that cheats', () => {
  beforeAll(async () => void (await one.says(`import kit\n${RAW}`)))

  test.each([
    [
      'a foreign session in the call',
      '{"kind": "call", "interface": "kit", "function": "count", "session": "s9"}',
      "['result:']",
    ],
    [
      'an interface that it was not given',
      '{"kind": "call", "interface": "other", "function": "f"}',
      "['error:unknown-interface']",
    ],
    [
      'a function that is not exposed',
      '{"kind": "call", "interface": "kit", "function": "doubled"}',
      "['error:unknown-function']",
    ],
    ['a name of Python', '{"kind": "call", "interface": "kit", "function": "__class__"}', "['error:unknown-function']"],
    [
      'a way through attributes',
      '{"kind": "call", "interface": "kit", "function": "os.system"}',
      "['error:unknown-function']",
    ],
    ['a forged reply', '{"kind": "result", "id": 1}', "['error:invalid-frame']"],
    ['a forged ready', '{"kind": "ready"}', "['error:invalid-frame']"],
    ['a head that is a list', '[]', "['error:invalid-frame']"],
    [
      'buffers that are not there',
      '{"kind": "call", "interface": "kit", "function": "echo", "buffers": [8]}',
      "['error:invalid-frame']",
    ],
  ])('%s', async (_, head, said) => {
    expect(await one.says(`print(answered(json.loads(${JSON.stringify(head)})))`)).toBe(said)
  })

  test('__proto__ is a name like any other', async () => {
    const code = `
call = {"kind": "call", "interface": "kit", "function": "echo"}
print(answered(call, b'{"__proto__": 1}'), answered(call, b'{"value": {"__proto__": {"x": 1}}}'), kit.echo({"__proto__": 1, "constructor": 2}))`
    expect(await one.says(code)).toBe("['error:invalid-arguments'] ['result:'] {'__proto__': 1, 'constructor': 2}")
  })

  test('JSON a million deep, and no JSON', async () => {
    const code = `
call = {"kind": "call", "interface": "kit", "function": "echo"}
deep = b'{"value": ' + b'[' * 1000000 + b']' * 1000000 + b'}'
print(answered(call, deep), answered(call, b'{"value": nan}'), answered(call, b'{"value": 1'), answered(call, b'[]'))`
    expect(await one.says(code)).toBe(
      "['error:invalid-arguments'] ['error:invalid-arguments'] ['error:invalid-arguments'] ['error:invalid-arguments']",
    )
  })

  test('a frame of 1 GB ends the connection at its first bytes', async () => {
    const code = `print(kinds(raw(struct.pack(">III", 10, 0, 2**30))), kinds(raw(b"GET / HTTP/1.1\\r\\n\\r\\n")))`
    expect(await one.says(code)).toBe("['error:invalid-frame'] ['error:invalid-frame']")
    expect(await one.says('print(kit.add(1))')).toBe('3.0')
  })

  test('a hundred half calls hold no other up, and are bounded', async () => {
    const code = `
socks = []
for _ in range(100):
    s = socket.socket(socket.AF_UNIX); s.connect(os.environ["SEER_CALLS"])
    s.setblocking(False)
    try: s.send(struct.pack(">III", 10, 0, 60 * 2**20) + b"x" * 100000)
    except OSError: pass
    socks.append(s)
print(kit.add(2))
for s in socks: s.close()`
    expect(await one.says(code)).toBe('4.0')
  })

  test('an array that lies about its size is refused by name', async () => {
    const code = `
call = {"kind": "call", "interface": "kit", "function": "echo", "buffers": [4]}
def tag(**more): return json.dumps({"value": {"$seer": "array", "dtype": "float32", "shape": [1], "buffer": 0, **more}}).encode()
print([answered(call, tag(**more), b"1234")[0] for more in ({}, {"shape": [2]}, {"shape": [-1]}, {"dtype": "object"}, {"dtype": "O8"}, {"buffer": 1}, {"shape": [2**62, 4]}, {"extra": 1})])`
    expect(await one.says(code)).toBe(
      JSON.stringify(['result:', ...Array.from({ length: 7 }, () => 'error:invalid-arguments')])
        .replaceAll('"', "'")
        .replaceAll(',', ', '),
    )
  })

  test('the socket taken away by code of the sandbox harms that code alone', async () => {
    const code = `
path = os.environ["SEER_CALLS"]
os.rename(path, path + ".x")
try: kit.InterfaceError; kit._connection.pool.clear() if hasattr(kit._connection, "pool") else None
except Exception: pass
os.rename(path + ".x", path)
print(kit.add(3))`
    expect(await one.says(code)).toBe('5.0')
  })

  test('a process of the sandbox that has no such variable is told so', async () => {
    const code = `
import subprocess, sys
env = {k: v for k, v in os.environ.items() if k != "SEER_CALLS"}
print(subprocess.run([sys.executable, "-c", "import sys; sys.path.insert(0, 'libraries'); import kit; kit.add(1)"], env=env, capture_output=True, text=True).stderr.strip().splitlines()[-1])`
    expect(await one.says(code)).toMatch(/InterfaceError: .*session/)
  })
})

describe('calls that do not end by themselves', () => {
  test('an interrupted cell stops the function, and the next call works', async () => {
    await one.says('import os, kit')
    const working = one.session.exec('kit.sleeps(300)')
    await until('the log says so', async () => (await one.events('call-start')).at(-1)?.function === 'sleeps')
    const tools = one.session.tools
    const context = {
      emit: one.run.emit,
      by: 'agent:a' as const,
      signal: one.run.signal,
      storeArtifact: one.run.storeArtifact,
    }
    await runTool(tools, { id: 'i', name: 'interrupt', input: {} }, context)
    expect((await working).text).toContain('KeyboardInterrupt')
    await until('the log says so', async () => (await one.events('call-end')).at(-1)?.function === 'sleeps')
    expect((await one.events('call-end')).at(-1)).toMatchObject({ function: 'sleeps', status: 'cancelled' })
    expect(await one.scoped.exec('cat stopped.txt interfaces/kit/stopped.txt 2>/dev/null; true')).toContain('Cancelled')
    expect(await one.says('print(kit.add(1))')).toBe('3.0')
  })

  test('its own limit is told as such', async () => {
    const said = await one.raises('kit.slow(60)')
    expect(said).toContain('3 s')
    expect((await one.events('call-end')).at(-1)).toMatchObject({ function: 'slow', status: 'timeout' })
    expect(await one.says('print(kit.slow(0))')).toBe('slept')
  })

  test('a kernel that dies in mid-call takes the call with it', async () => {
    const other = await createNotebookSession(one.sandbox, new Workspace({ libraries: [await library()] }))
    const dying = other.exec(
      'import kit, threading, os, time\nthreading.Timer(1, lambda: os._exit(1)).start()\nkit.sleeps(300)',
    )
    expect((await dying).status).toBe('died')
    await until('the log says so', async () => {
      const ends = await one.events('call-end')
      return ends.at(-1)?.function === 'sleeps' && ends.at(-1)?.status === 'cancelled'
    })
    await other.terminate()
  })

  test('a session that was not given it can call nothing; two sessions that were call at once', async () => {
    const without = await createNotebookSession(
      one.sandbox,
      new Workspace({ libraries: [Library.fromCode('plain', '')] }),
    )
    const said = await without.exec('import os, socket\nprint(os.path.exists(os.environ["SEER_CALLS"]))')
    expect(said.text.trim()).toMatch(/False$/)
    const second = await createNotebookSession(one.sandbox, new Workspace({ libraries: [await library()] }))
    const code = 'import kit\nprint(sum(kit.echo(i) for i in range(50)))'
    const [a, b] = await Promise.all([one.session.exec(code), second.exec(code)])
    expect([a.text.trim(), b.text.trim()].map((text) => text.split('\n').at(-1))).toEqual(['1225', '1225'])
    const callers = new Set(
      (await one.events('call-start')).filter(({ function: f }) => f === 'echo').map(({ session }) => session),
    )
    expect(callers).toContain(second.sessionId)
    await second.terminate()
    // Its kernel is still there, and code that goes on in it can call nothing.
    const { cell, ended } = await playerOf(second).kernel.execute('kit.add(1)', { by: 'researcher' })
    expect(await ended).toMatchObject({ status: 'error' })
    expect(await textOf(one.sandbox.run, second.sessionId, cell)).toContain('InterfaceError')
    await without.terminate()
  })
})

test('a function that ends its process: the caller is told, later ones too, and a reload begins anew', async () => {
  expect(await one.raises('import kit\nkit.dies()')).toMatch(/ended \(exit code 3\)/)
  expect(await one.raises('kit.add(1)')).toMatch(/only the researcher/i)
  expect((await one.events('interface-end')).at(-1)).toMatchObject({ interface: 'kit', reason: 'exit code 3' })
  await one.scoped.reload('kit')
  expect(await one.says('print(kit.count())')).toBe('1')
})

test('a scoped sandbox that ends in mid-call', async () => {
  const calling = one.session.exec('kit.sleeps(300)')
  await until('the log says so', async () => (await one.events('call-start')).at(-1)?.function === 'sleeps')
  await one.scoped.terminate()
  expect((await calling).text).toContain('ended')
  expect((await one.events('call-end')).at(-1)).toMatchObject({ status: 'error', error: { kind: 'gone' } })
  expect(await one.raises('kit.add(1)')).toContain('InterfaceError')
})

async function library(): Promise<Library> {
  return one.scoped.serve(KIT, { exposeAs: 'library', name: 'kit' })
}

test('a sandbox of an agent that ends in mid-call', async () => {
  const scoped = await startScoped({ unconfined: false })
  const sandbox = await Sandbox.start({}, { run: scoped.run, progress: () => undefined })
  const library = await scoped.scoped.serve(KIT, { exposeAs: 'library', name: 'kit' })
  const session = await createNotebookSession(sandbox, new Workspace({ libraries: [library] }))
  const calling = session.exec('import kit\nkit.sleeps(300)').catch((error: unknown) => error)
  await until('the log says so', async () => (await scoped.events('call-start')).at(-1)?.function === 'sleeps')
  await sandbox.terminate()
  await calling
  await until('the log says so', async () => (await scoped.events('call-end')).at(-1)?.status === 'cancelled')
  expect(await scoped.says('import kit\nprint(kit.add(1))')).toBe('3.0')
  await session.terminate()
  await scoped[Symbol.asyncDispose]()
})
