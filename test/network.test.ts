/**
 * A whole sandbox with a network: what a cell's own programs find in their way, and what the log says of it. Nothing here connects to
 * anything: what would be let through is tried in networks of their own, in `python/tests/test_network_*.py`.
 */
import { rmSync } from 'node:fs'
import { createServer, type AddressInfo, type Server } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { NetworkOption } from '../src/environment/network.ts'
import type { EventOf } from '../src/run/events.ts'
import { readEvents } from '../src/run/log-reader.ts'
import { ownState, startTried, type Tried } from './fixtures/walled.ts'

let root: string
let listener: { server: Server; port: number; reached: () => number }
let tried: Tried | undefined

beforeAll(async () => {
  root = ownState()
  let reached = 0
  const server = createServer((socket) => {
    reached += 1
    socket.destroy()
  })
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  listener = { server, port: (server.address() as AddressInfo).port, reached: () => reached }
})
afterEach(async () => {
  await tried?.[Symbol.asyncDispose]()
  tried = undefined
})
afterAll(() => {
  listener.server.close()
  rmSync(root, { recursive: true })
  vi.unstubAllEnvs()
})

async function start(network: NetworkOption): Promise<Tried> {
  tried = await startTried({ unconfined: false, network: network as string[] })
  return tried
}

/** From the log, when the sandbox has ended. */
async function connections({ run, sandbox }: Tried) {
  await sandbox.terminate()
  const { events } = await readEvents(join(run.folder, 'events.jsonl'))
  return events
    .filter((event): event is EventOf<'network-connect'> => event.type === 'network-connect')
    .map(({ host, port, allowed, because, by, session }) => ({ host, port, allowed, because, by, session }))
}

const fetched = (url: string) => `import requests, urllib.request
def said(act):
    try:
        return str(act())
    except Exception as error:
        return str(error)
print(said(lambda: requests.get(${JSON.stringify(url)}, timeout=10)))
print(said(lambda: urllib.request.urlopen(${JSON.stringify(url)}, timeout=10)))`

test('a host that was not named is refused in clear words, and stands in the log', async () => {
  const box = await start(['api.openai.com', '*.example.org:8443'])
  expect(box.start.network).toEqual(['api.openai.com', '*.example.org:8443'])
  const why = 'is not among the hosts that this sandbox may connect to'
  const [requests, urllib] = (await box.says(fetched('https://evil.example.net/'))).split('\n')
  expect(requests).toContain(`403 Seer: evil.example.net:443 ${why}`)
  expect(urllib).toContain(`403 Seer: evil.example.net:443 ${why}`)
  expect(await box.says(fetched('http://api.openai.com/'))).toContain('only https goes out')
  expect(await box.says(fetched('https://www.example.org/'))).toContain('may be connected to on other ports only')
  const told = await connections(box)
  expect(told[0]).toEqual({ host: 'evil.example.net', port: 443, allowed: false, because: why, by: 'system' })
  expect(new Set(told.map(({ host, port, allowed }) => `${host}:${port} ${allowed}`))).toEqual(
    new Set(['evil.example.net:443 false', 'api.openai.com:80 false', 'www.example.org:443 false']),
  )
})

test('this machine is out of reach also where everything is open', async () => {
  const box = await start('open')
  expect(box.start.network).toBe('open')
  const { port } = listener
  for (const host of ['127.0.0.1', 'localhost', '0.0.0.0', '[::1]', '[::ffff:127.0.0.1]']) {
    const said = await box.says(`import socket
with socket.create_connection(("127.0.0.1", 3128), 5) as sock:
    sock.sendall(b"CONNECT ${host}:${port} HTTP/1.1\\r\\n\\r\\n")
    print(sock.recv(12).decode())`)
    expect(said).toBe('HTTP/1.1 403')
  }
  expect(await box.says(fetched(`https://10.0.0.1:${port}/`))).toContain('403 Seer: 10.0.0.1')
  expect(listener.reached()).toBe(0)
  const told = await connections(box)
  expect(told.length).toBeGreaterThan(5)
  expect(told.filter(({ allowed }) => allowed)).toEqual([])
})

test('certificates of public hosts can be checked, and pip and the hub know of the way', async () => {
  const box = await start('open')
  const said = await box.says(`import os, ssl
print(ssl.create_default_context().cert_store_stats()["x509_ca"] > 10)
print(os.environ["HF_HUB_OFFLINE"], os.environ["https_proxy"])`)
  expect(said).toBe('True\n0 http://127.0.0.1:3128')
})

test('with none there is neither a way nor a word of it', async () => {
  const box = await start('none')
  expect(box.start.network).toBe('none')
  const said = await box.says(`import os, socket
try:
    socket.create_connection(("127.0.0.1", 3128), 5)
except OSError as error:
    print(error.strerror)
print("https_proxy" in os.environ, os.environ["HF_HUB_OFFLINE"], os.path.exists("/run/seer/proxy.sock"))`)
  expect(said).toBe('Connection refused\nFalse 1 False')
  expect(await connections(box)).toEqual([])
})

test('without a wall no network can be promised', async () => {
  await expect(startTried({ unconfined: true, network: 'open' })).rejects.toMatchObject({ code: 'network-needs-wall' })
  await expect(startTried({ unconfined: false, network: ['https://api.openai.com'] })).rejects.toMatchObject({
    code: 'network-invalid',
  })
})
