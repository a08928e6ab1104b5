/** A server in one sandbox, used by the code of another, with no network in either. */
import { createHash } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { Sandbox } from '../src/environment/sandbox.ts'
import { createLocalNotebookSession, type LocalNotebookSession } from '../src/session/local-notebook-session.ts'
import { killAll, processesOf, until } from './fixtures/processes.ts'
import { confinedRun } from './fixtures/scoped.ts'
import { ownState } from './fixtures/walled.ts'

const SERVER = `
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body[::-1])
    def log_message(self, *args): pass
http.server.ThreadingHTTPServer(("127.0.0.1", 8123), Handler).serve_forever()`
let root: string
const run = confinedRun()
let server: Sandbox
let session: LocalNotebookSession
beforeAll(async () => {
  root = ownState()
  server = await Sandbox.start({}, { run, progress: () => undefined })
  await server.spawn(['python', '-c', SERVER])
  await until('the server', () =>
    server.exec(['python', '-c', 'import socket; socket.create_connection(("127.0.0.1", 8123))']).then(
      () => true,
      () => false,
    ),
  )
  session = await createLocalNotebookSession({ run, ports: [{ from: server, port: 8123, to: 9000 }] })
})
afterAll(async () => {
  await session.terminate()
  await server.terminate()
  await run.end('completed')
  await killAll(() => processesOf(root))
  rmSync(root, { recursive: true, force: true })
  vi.unstubAllEnvs()
})

const says = async (code: string) => {
  const { status, text } = await session.exec(code)
  if (status !== 'ok') throw new Error(text)
  return text.trim()
}

test('bytes go there and come back, several requests on one connection and several connections at once', async () => {
  const code = `
import http.client, hashlib, threading
def ask(body, times=1, into=None):
    c = http.client.HTTPConnection("127.0.0.1", 9000, timeout=30)
    for _ in range(times):
        c.request("POST", "/", body); got = c.getresponse().read()
    if into is not None: into.append(got)
    return got
big = bytes(range(256)) * 4096
out = []
threads = [threading.Thread(target=ask, args=(b"%d" % i * 10, 3, out)) for i in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(ask(b"abc"), hashlib.sha256(ask(big)).hexdigest(), sorted(out) == sorted((b"%d" % i * 10)[::-1] for i in range(8)))`
  const big = Buffer.concat(Array.from({ length: 4096 }, () => Buffer.from(Array.from({ length: 256 }, (_, i) => i))))
  const sha256 = createHash('sha256').update(big.toReversed()).digest('hex')
  expect(await says(code)).toBe(`b'cba' ${sha256} True`)
})

test('no other port is reached, and a server that has gone is an end of the connection', async () => {
  const code = `
def tried(port):
    try:
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=20); c.request("POST", "/", b"x"); return c.getresponse().status
    except Exception as error: return type(error).__name__
print(tried(8123), tried(22), tried(9000))`
  expect(await says(code)).toBe('ConnectionRefusedError ConnectionRefusedError 200')
  await server.exec('pkill -f ThreadingHTTPServer; true').catch(() => undefined)
  await server.execPython(
    'import os, signal\nfor p in os.listdir("/proc"):\n    if p.isdigit() and p != str(os.getpid()) and b"Threading" in open(f"/proc/{p}/cmdline", "rb").read(): os.kill(int(p), signal.SIGKILL)',
  )
  expect(await says('print(tried(9000))')).toMatch(/RemoteDisconnected|ConnectionReset/)
})

test('a port that is taken there is an error', async () => {
  const other = await Sandbox.start({}, { run, progress: () => undefined })
  await other.forwardPort({ from: server, port: 8123, to: 9001 })
  await expect(other.forwardPort({ from: server, port: 8123, to: 9001 })).rejects.toMatchObject({
    code: 'port-not-forwarded',
  })
  await other.terminate()
})
