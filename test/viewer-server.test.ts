/** The live page's server by real requests: who gets in, what is given out, and what a damaged or hostile run may do. */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { Run } from '../src/run/run.ts'
import { PAGE_CSP } from '../src/viewer/respond.ts'
import { START } from './fixtures/memory-run.ts'
import { until } from './fixtures/processes.ts'
import { writeSampleRun } from './sample-run.ts'
import { temporaryFolder } from './temporary-folder.ts'
import { send, startServer, type Answer, type Asker } from './viewer-client.ts'

let outputDir: string
let server: Asker
beforeEach(async () => {
  outputDir = temporaryFolder('seer-view-')
  server = await startServer(outputDir)
})

const errorOf = ({ text }: Answer) => (JSON.parse(text) as { error: { code: string } }).error.code

describe('who gets in', () => {
  test('the token of the address becomes a cookie, and leaves the address', async () => {
    const { port, viewer } = server
    const url = new URL(viewer.url({ run: 'a run/ü' }))
    expect(url.origin).toBe(`http://127.0.0.1:${port}`)
    const entered = await send(port, url.pathname + url.search, {})
    expect(entered).toMatchObject({ status: 303, headers: { location: '/?run=a%20run%2F%C3%BC' } })
    const cookie = entered.headers['set-cookie']![0]!
    expect(cookie).toMatch(/; HttpOnly; SameSite=Strict; Path=\/$/)
    const page = await send(port, '/?run=x', { headers: { cookie: cookie.split(';')[0]! } })
    expect(page).toMatchObject({ status: 200, text: expect.stringContaining('the page') })
    // A reload of the first address, with or without its cookie.
    expect((await server.ask('/?token=old')).status).toBe(303)
    expect((await server.ask(`/${url.search}`, { bare: true })).status).toBe(303)
  })

  test('without it nothing is given, and the way in is told', async () => {
    await writeSampleRun(outputDir)
    for (const path of ['/', '/?token=wrong', '/?run=x']) {
      const answer = await server.ask(path, { bare: true })
      expect(answer).toMatchObject({ status: 401, headers: { 'content-type': expect.stringContaining('text/html') } })
      expect(answer.headers['set-cookie']).toBeUndefined()
      expect(answer.text).toContain('`seer view`')
      expect(answer.text).not.toContain('refresh')
    }
    for (const path of ['/assets/main-1a2b.js', '/api/runs', '/api/runs/x/events', '/favicon.ico', '/nothing']) {
      const answer = await server.ask(path, { bare: true })
      expect([path, answer.status, errorOf(answer)]).toEqual([path, 401, 'viewer-token'])
    }
    const post = { method: 'POST', headers: { origin: `http://127.0.0.1:${server.port}` }, bare: true }
    expect(errorOf(await server.ask('/api/runs/x/stop', post))).toBe('viewer-token')
  })

  test('behind a link on another page the browser is made to ask again, and only once', async () => {
    const linked = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }
    const answer = await server.ask('/?run=%22%3E%3Cb%3E', { bare: true, headers: linked })
    expect(answer.text).toContain('<meta http-equiv="refresh" content="0;url=/?run=%22%3E%3Cb%3E">')
    const again = await server.ask('/', { bare: true, headers: { ...linked, 'sec-fetch-site': 'same-origin' } })
    expect(again).toMatchObject({ status: 401, text: expect.not.stringContaining('refresh') })
  })

  test('an earlier start’s cookie is told to be one', async () => {
    const { cookie, port } = server
    await server.viewer.close()
    const next = await startServer(outputDir, { port })
    const answer = await send(port, '/api/runs', { headers: { cookie } })
    expect(answer.status).toBe(401)
    expect(JSON.parse(answer.text)).toMatchObject({
      error: { code: 'viewer-token', hint: expect.stringContaining('seer view') },
    })
    expect((await next.ask('/api/runs')).status).toBe(200)
  })

  test.each<[string, Record<string, string>, string]>([
    ['another name for this machine', { host: 'evil.example:7337' }, 'viewer-host'],
    ['a page on another port', { origin: 'http://127.0.0.1:1' }, 'viewer-origin'],
    ['an image elsewhere', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }, 'viewer-origin'],
  ])('%s gets nothing, with the right cookie too', async (_, headers, code) => {
    for (const path of [`/${new URL(server.viewer.url()).search}`, '/', '/api/runs', '/assets/main-1a2b.js']) {
      const answer = await server.ask(path, { headers })
      expect([answer.status, errorOf(answer)]).toEqual([403, code])
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
  })

  test('nobody is let in by CORS', async () => {
    const origin = `http://127.0.0.1:${server.port}`
    const asked = { origin, 'access-control-request-method': 'POST' }
    for (const method of ['OPTIONS', 'GET', 'HEAD', 'PUT', 'DELETE']) {
      const answer = await server.ask('/api/runs', { method, headers: asked })
      expect([method, answer.status]).toEqual([method, method === 'GET' ? 200 : 405])
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })

  test('every answer forbids what it can', async () => {
    const run = basename(await writeSampleRun(outputDir))
    const paths = ['/', '/assets/main-1a2b.js', '/api/runs', '/nothing', `/api/runs/${run}/artifacts/x`]
    const always = {
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'x-frame-options': 'DENY',
    }
    const answers = await Promise.all(paths.map((path) => server.ask(path)))
    for (const { headers } of answers) expect(headers).toMatchObject(always)
    const [page, asset, ...others] = answers.map(({ headers }) => headers)
    expect(page).toMatchObject({ 'cache-control': 'no-store', 'content-security-policy': PAGE_CSP })
    expect(asset!['cache-control']).toBe('private, max-age=31536000, immutable')
    for (const headers of others) expect(headers['cache-control']).toBe('no-store')
    for (const headers of [asset!, ...others])
      expect(headers['content-security-policy']).toMatch(/^default-src 'none';.*sandbox$/)
    expect(PAGE_CSP).not.toMatch(/unsafe|\*|https?:/)
  })
})

describe('what is given out', () => {
  test('the list of runs', async () => {
    const ended = basename(await writeSampleRun(outputDir))
    const { status, headers, text } = await server.ask('/api/runs')
    expect({ status, type: headers['content-type'] }).toEqual({ status: 200, type: 'application/json; charset=utf-8' })
    expect(JSON.parse(text)).toMatchObject({ outputDir, runs: [{ id: ended, status: 'completed', findings: 1 }] })
  })

  test('the page’s own files, and no others', async () => {
    expect(await server.ask('/assets/main-1a2b.js')).toMatchObject({
      text: '// the script',
      headers: { 'content-type': 'text/javascript; charset=utf-8' },
    })
    const outside = ['/report.js', '/assets/', '/assets', '/assets/../report.js', '/assets/%2e%2e/report.js']
    for (const path of [...outside, '/assets/..%2freport.js', '/index.html', '//assets/main-1a2b.js'])
      expect([path, (await server.ask(path)).status]).toEqual([path, 404])
  })

  test('only runs of the folder, by their names', async () => {
    const inside = join(outputDir, 'inside')
    mkdirSync(inside)
    const run = await writeSampleRun(inside)
    const name = basename(run)
    const ids = [`inside/${name}`, `inside%2f${name}`, `inside%2F..%2Finside%2f${name}`, `..%2f${basename(outputDir)}`]
    const odd = ['..', '.', '%2e%2e', '%2e', '', '%00', `${name}%00`, 'constructor', '__proto__', `inside%5c${name}`]
    for (const id of [...ids, ...odd]) {
      const answer = await server.ask(`/api/runs/${id}/events`)
      expect([id, answer.status]).toEqual([id, 404])
    }
    expect((await server.ask('/api/runs/%zz/events')).status).toBe(400)
    const within = await startServer(inside)
    expect((await within.page(name)).status).toBe(200)
  })

  test.each(['x', '1:', ':1', '-1:1', '1e3:1', '1:1:1', '99999999999999999999:1', 'NaN:NaN', '0x10:1', ' 1:1'])(
    'a place %j is refused',
    async (id) => {
      const run = basename(await writeSampleRun(outputDir))
      const answer = await server.ask(`/api/runs/${run}/events?from=${encodeURIComponent(id)}`)
      expect([answer.status, errorOf(answer)]).toEqual([400, 'viewer-request'])
    },
  )
})

describe('artifacts', () => {
  let folder: string
  let path: string
  beforeEach(async () => {
    folder = await writeSampleRun(outputDir)
    path = `/api/runs/${basename(folder)}/artifacts`
  })
  const put = (bytes: Buffer | string) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    writeFileSync(join(folder, 'artifacts', sha256), bytes)
    return sha256
  }

  test.each<[string, Buffer | string, string]>([
    ['a png', Buffer.from('\x89PNG\r\n\x1a\n...', 'latin1'), 'image/png'],
    ['a jpeg', Buffer.from('\xff\xd8\xff\xe0...', 'latin1'), 'image/jpeg'],
    ['a gif', 'GIF89a...', 'image/gif'],
    ['a webp', 'RIFF....WEBPVP8 ', 'image/webp'],
    ['a page', '<!doctype html><script>alert(1)</script>', ''],
    ['an svg', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', ''],
    ['a script', 'alert(1)', ''],
    ['an xml', '<?xml version="1.0"?><x/>', ''],
    ['a pdf', '%PDF-1.7', ''],
    ['a page that begins like a picture', 'GIF87<script>', ''],
    ['nothing', '', ''],
  ])('%s is shown only when it is a picture', async (_, bytes, type) => {
    const sha256 = put(bytes)
    const disposition = type ? 'inline' : `attachment; filename="${sha256}"; filename*=UTF-8''${sha256}`
    const shown = await server.ask(`${path}/${sha256}`)
    expect(shown).toMatchObject({
      status: 200,
      body: Buffer.from(bytes),
      headers: {
        'content-type': type || 'application/octet-stream',
        'content-disposition': disposition,
        'content-security-policy': "sandbox; default-src 'none'",
        'x-content-type-options': 'nosniff',
        'cross-origin-resource-policy': 'same-origin',
      },
    })
    const saved = await server.ask(`${path}/${sha256}?name=x`)
    expect(saved.headers['content-disposition']).toContain('attachment; filename="x"')
  })

  test.each<[string, string, string]>([
    ['results.csv', 'results.csv', 'results.csv'],
    ['a "b"\r\nSet-Cookie: x=1', 'a _b___Set-Cookie_ x=1', 'a%20_b___Set-Cookie_%20x%3d1'.replace('%3d', '%3D')],
    ['../../etc/passwd', '__.._etc_passwd', '__.._etc_passwd'],
    ['.bashrc', '_bashrc', '_bashrc'],
    ['naïve ‮gpj.exe', 'na_ve _gpj.exe', 'na%C3%AFve%20_gpj.exe'],
    ['', 'artifact', 'artifact'],
  ])('the name %j is made harmless', async (name, plain, encoded) => {
    const sha256 = put('x')
    const { headers } = await server.ask(`${path}/${sha256}?name=${encodeURIComponent(name)}`)
    expect(headers['content-disposition']).toBe(`attachment; filename="${plain}"; filename*=UTF-8''${encoded}`)
    expect(headers['set-cookie']).toBeUndefined()
  })

  test('what is not there, is a link, or holds other bytes than were recorded', async () => {
    const sha256 = put('recorded')
    const at = join(folder, 'artifacts')
    writeFileSync(join(at, sha256), 'changed')
    expect(errorOf(await server.ask(`${path}/${sha256}`))).toBe('artifact-damaged')
    const secret = createHash('sha256').update('secret').digest('hex')
    writeFileSync(join(outputDir, 'secret'), 'secret')
    symlinkSync(join(outputDir, 'secret'), join(at, secret))
    mkdirSync(join(at, 'f'.repeat(64)))
    const odd = [
      secret,
      'f'.repeat(64),
      'a'.repeat(64),
      'x',
      '..%2fevents.jsonl',
      '..%2f..%2fsecret',
      sha256.toUpperCase(),
      '',
    ]
    for (const name of [...odd, '..', `${sha256}%00`]) {
      const answer = await server.ask(`${path}/${name}`)
      expect([name, answer.status]).toEqual([name, 404])
    }
    rmSync(at, { recursive: true })
    expect(errorOf(await server.ask(`${path}/${sha256}`))).toBe('artifact-missing')
  })

  test('a large one whose reader leaves holds nothing up', async () => {
    const sha256 = createHash('sha256')
      .update(Buffer.alloc(200 * 1024 * 1024))
      .digest('hex')
    writeFileSync(join(folder, 'artifacts', sha256), '')
    truncateSync(join(folder, 'artifacts', sha256), 200 * 1024 * 1024)
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`GET ${path}/${sha256} HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nCookie: ${server.cookie}\r\n\r\n`)
    await once(socket, 'data')
    socket.pause()
    const before = process.memoryUsage.rss()
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(process.memoryUsage.rss() - before).toBeLessThan(50 * 1024 * 1024)
    socket.destroy()
    expect((await server.ask('/api/runs')).status).toBe(200)
  })
})

describe('against overload', () => {
  test('a body that is too large, or is not what it should be', async () => {
    const run = Run.create(join(outputDir, 'r'), START)
    const ask = (body: string, headers: Record<string, string> = {}) => {
      const own = { origin: `http://127.0.0.1:${server.port}`, 'content-type': 'application/json', ...headers }
      return server.ask('/api/runs/r/message', { method: 'POST', headers: own, body })
    }
    expect(errorOf(await ask('{"text":'))).toBe('viewer-request')
    expect(errorOf(await ask('"text"'))).toBe('viewer-request')
    expect(errorOf(await ask('{"text":"x","from":"terminal"}'))).toBe('viewer-request')
    expect(errorOf(await ask('{"text":"x"}', { 'content-type': 'text/plain' }))).toBe('viewer-request')
    expect(errorOf(await ask('{"text":"x"}', { 'content-type': 'application/x-www-form-urlencoded' }))).toBe(
      'viewer-request',
    )
    expect(errorOf(await ask(JSON.stringify({ text: 'x'.repeat(70_000) })))).toBe('invalid-options')
    const large = await ask(JSON.stringify({ text: 'x'.repeat(600_000) })).catch(() => 'cut off')
    expect(typeof large === 'string' ? large : errorOf(large)).toMatch(/cut off|viewer-too-large/)
    expect(readFileSync(join(run.folder, 'events.jsonl'), 'utf8')).not.toContain('run-steer')
    await run.end('completed')
  })

  test('requests that never come to their end are ended', { timeout: 60_000 }, async () => {
    const start = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n`
    const post = `POST /api/runs/r/stop HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nContent-Length: 10\r\n\r\n`
    const closed = await Promise.all(
      ['', start, post].map(async (text) => {
        const socket = connect(server.port, '127.0.0.1').on('error', () => undefined)
        socket.write(text)
        const drip = setInterval(() => socket.write(text === start ? 'X-A: b\r\n' : ''), 500)
        const startedAt = performance.now()
        socket.resume()
        await once(socket, 'close')
        clearInterval(drip)
        return performance.now() - startedAt
      }),
    )
    expect(Math.max(...closed)).toBeLessThan(30_000)
    expect((await server.ask('/api/runs')).status).toBe(200)
  })

  test('what is no HTTP, and headers without end', async () => {
    for (const text of [
      'rubbish\r\n\r\n',
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'y'.repeat(40_000)}\r\n\r\n`,
      '\x16\x03\x01',
    ]) {
      const socket = connect(server.port, '127.0.0.1').on('error', () => undefined)
      socket.end(text)
      socket.resume()
      await once(socket, 'close')
    }
    expect((await server.ask('/api/runs')).status).toBe(200)
  })

  test('too many pages are refused, and let in again when others have closed', async () => {
    const run = basename(await writeSampleRun(outputDir))
    const pages = await Promise.all(Array.from({ length: 64 }, () => server.page(run)))
    expect(new Set(pages.map(({ status }) => status))).toEqual(new Set([200]))
    expect(errorOf(await server.ask(`/api/runs/${run}/events`))).toBe('viewer-busy')
    expect(server.viewer.watched).toBe(true)
    for (const page of pages) page.close()
    await until('room', async () => {
      const page = await server.page(run)
      page.close()
      return page.status === 200
    })
    await until('nobody to watch', () => !server.viewer.watched)
  })
})
