import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { patientFetch, SILENCE_CODE, SILENCE_LIMIT_MS } from './patient-fetch.ts'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function serve(listener: RequestListener): Promise<string> {
  const listening = createServer(listener)
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/`
}

describe('patientFetch', () => {
  it('waits for longer than any answerer thinks', () => {
    expect(SILENCE_LIMIT_MS).toBeGreaterThanOrEqual(20 * 60_000)
  })

  it('sends method, headers and body, and gives back status, headers and body', async () => {
    const url = await serve((req, res) => {
      let body = ''
      req.on('data', (chunk) => (body += String(chunk)))
      req.on('end', () =>
        res.writeHead(201, { 'x-answer': 'yes' }).end(`${req.method} ${String(req.headers['x-ask'])} ${body}`),
      )
    })
    const response = await patientFetch()(url, { method: 'POST', headers: { 'x-ask': 'why' }, body: 'é' })
    expect([response.status, response.headers.get('x-answer'), await response.text()]).toEqual([
      201,
      'yes',
      'POST why é',
    ])
  })

  it('does not follow a redirect with the key in its hand', async () => {
    const url = await serve((_, res) => void res.writeHead(307, { location: '/elsewhere' }).end())
    expect((await patientFetch()(url)).status).toBe(307)
  })

  it('gives up on silence before the headers', async () => {
    const url = await serve(() => {})
    await expect(patientFetch(60)(url)).rejects.toMatchObject({ code: SILENCE_CODE })
  })

  it('gives up on silence within the body', async () => {
    const url = await serve((_, res) => void res.write('half'))
    const response = await patientFetch(60)(url)
    await expect(response.text()).rejects.toMatchObject({ code: SILENCE_CODE })
  })

  it('does not count time in which something came', async () => {
    const url = await serve((_, res) => {
      let left = 8
      const timer = setInterval(() => {
        res.write('.')
        if (--left > 0) return
        clearInterval(timer)
        res.end()
      }, 40)
    })
    expect(await (await patientFetch(150)(url)).text()).toBe('........')
  })

  it('ends at once when aborted, before the headers and within the body', async () => {
    const url = await serve((req, res) => void (req.url === '/body' && res.write('half')))
    const before = new AbortController()
    setTimeout(() => before.abort(), 30)
    await expect(patientFetch()(url, { signal: before.signal })).rejects.toMatchObject({ name: 'AbortError' })
    const within = new AbortController()
    const response = await patientFetch()(`${url}body`, { signal: within.signal })
    setTimeout(() => within.abort(), 30)
    await expect(response.text()).rejects.toThrow(/abort/)
  })
})
