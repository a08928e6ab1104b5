import { request } from 'node:http'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Channels } from './channels.ts'
import { openGateway, type Gateway } from './gateway.ts'

let gateway: Gateway
const channels = {
  connect: vi.fn<Channels['connect']>(),
  state: () => 'idle' as const,
  connections: () => 0,
  interrupt: vi.fn<Channels['interrupt']>(() => Promise.resolve()),
  restart: vi.fn<Channels['restart']>(() => Promise.reject(new Error('it does not start'))),
  close: () => undefined,
}
beforeEach(async () => void (gateway = await openGateway(channels, 's1')))
afterEach(() => gateway.close())

const own = () => ({ Authorization: `Bearer ${gateway.token}` })
const ask = async (path: string, method = 'GET', headers: Record<string, string> = own()) => {
  const answer = await fetch(`${gateway.url}${path}`, { method, headers })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
}
const kernel = async () => ((await ask('/api/kernels')).body as [{ id: string }])[0].id

test('one kernel, that is there already, whatever is asked to be started or ended', async () => {
  const id = await kernel()
  expect(await ask('/api/kernels', 'POST')).toMatchObject({ status: 201, body: { id, name: 'seer' } })
  expect(await ask('/api/kernelspecs')).toMatchObject({ body: { default: 'seer', kernelspecs: { seer: {} } } })
  expect(await ask(`/api/kernels/${id}`, 'DELETE')).toMatchObject({ status: 204 })
  expect(await kernel()).toBe(id)
  expect(await ask(`/api/kernels/${id}/interrupt`, 'POST')).toMatchObject({ status: 204 })
  expect(channels.interrupt).toHaveBeenCalledOnce()
  expect(await ask(`/api/kernels/${id}/restart`, 'POST')).toMatchObject({
    status: 500,
    body: { message: 'it does not start' },
  })
  expect(await ask('/api/kernels/another')).toMatchObject({ status: 404 })
})

test('nobody without its token, and no page of another host', async () => {
  for (const headers of [{}, { Authorization: 'Bearer of-another' }, { ...own(), Origin: 'http://evil.example' }])
    expect(await ask('/api/kernels', 'GET', headers as Record<string, string>)).toMatchObject({ status: 403 })
  const { port } = new URL(gateway.url)
  const status = await new Promise((resolve) => {
    const headers = { ...own(), Host: `evil.example:${port}` }
    request({ host: '127.0.0.1', port, path: '/api/kernels', headers }, (answer) => resolve(answer.statusCode)).end()
  })
  expect(status).toBe(403)
})

test('channels only for the kernel, and with the token', async () => {
  const path = `/api/kernels/${await kernel()}/channels`
  const opened = (where: string, headers: Record<string, string>) =>
    new Promise<boolean>((resolve) => {
      const socket = new WebSocket(`${gateway.url}${where}`.replace('http:', 'ws:'), { headers })
      socket.once('open', () => resolve(true)).once('error', () => resolve(false))
    })
  expect(await opened(path, {})).toBe(false)
  expect(await opened('/api/kernels/another/channels', own())).toBe(false)
  expect(channels.connect).not.toHaveBeenCalled()
  expect(await opened(`${path}?session_id=x`, own())).toBe(true)
  expect(channels.connect).toHaveBeenCalledOnce()
})
