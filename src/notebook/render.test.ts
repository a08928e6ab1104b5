import sharp from 'sharp'
import { describe, expect, test } from 'vitest'
import type { Output } from './nbformat.ts'
import { outputsOf } from './outputs.ts'
import { readOutput } from './read-output.ts'
import { renderForModel, type RenderedBlock } from './render.ts'

const out = (text: string): Output => ({ output_type: 'stream', name: 'stdout', text })
const show = (data: Extract<Output, { output_type: 'display_data' }>['data']): Output => ({
  output_type: 'display_data',
  data,
  metadata: {},
})
const noBlobs = () => {
  throw new Error('no such file')
}
const options = { cell: 'c3', readBlob: noBlobs }

function dataOf(block: RenderedBlock | undefined): Uint8Array {
  if (block?.type !== 'image') throw new Error('not an image')
  return block.data
}

async function textOf(outputs: Output[], more: object = {}): Promise<string> {
  const [block] = await renderForModel(outputs, { ...options, ...more })
  return block?.type === 'text' ? block.text : ''
}

test('no outputs give no blocks', async () => {
  expect(await renderForModel([], options)).toEqual([])
})

test.each<[string, Output[], string]>([
  ['a stream', [out('hello\n')], 'hello'],
  ['both streams', [out('a'), { output_type: 'stream', name: 'stderr', text: 'b\n' }, out('c\n')], 'a\n[stderr]\nb\nc'],
  ['colours and progress bars', [out('\u{1b}[31m10%\u{1b}[0m\r\u{1b}[31m20%\u{1b}[0m\n')], '20%'],
  ['plain text before HTML', [show({ 'text/html': '<table>…', 'text/plain': 'a  b' })], 'a  b'],
  [
    'HTML when plain text says nothing',
    [
      show({
        'text/html': '<b>x</b> &lt; <i>y</i><script>1</script>',
        'text/plain': '<IPython.core.display.HTML object>',
      }),
    ],
    'x < y',
  ],
  [
    'an HTML table',
    [show({ 'text/html': '<table>\n <tr><th>a</th><th>b</th></tr>\n <tr><td>1</td><td>2</td></tr></table>' })],
    'a\tb\n1\t2',
  ],
  ['LaTeX', [show({ 'text/latex': '$x^2$', 'text/plain': '<IPython.core.display.Latex object>' })], '$x^2$'],
  ['JSON', [show({ 'application/json': { a: [1, 2] } })], '{"a": [1, 2]}'],
  [
    "Seer's own displays once",
    [show({ 'application/vnd.seer.record+json': { table: 't', row: { a: 1 } }, 'text/plain': 't: a=1' })],
    't: a=1',
  ],
  ['SVG is not drawn', [show({ 'image/svg+xml': '<svg/>' })], '[image/svg+xml, 6 bytes: not shown]'],
  ['an unknown type', [show({ 'application/x-thing': 'abc' })], '[application/x-thing, 3 bytes: not shown]'],
  ['an empty display', [show({})], '[empty display]'],
  [
    'a JSON value that looks like a file',
    [show({ 'application/json': { blob: 7, encoding: 'x' } })],
    '{"blob": 7, "encoding": "x"}',
  ],
  [
    'an error',
    [{ output_type: 'error', ename: 'E', evalue: 'why', traceback: ['\u{1b}[31mTraceback\u{1b}[0m', 'E: why'] }],
    'Traceback\nE: why',
  ],
  ['an error without frames', [{ output_type: 'error', ename: 'E', evalue: 'why', traceback: [] }], 'E: why'],
])('%s', async (_, outputs, expected) => {
  expect((await textOf(outputs)).trim()).toBe(expected)
})

describe('cuts', () => {
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}: é\n`).join('')

  test('head 60%, tail 40%, and the size of what is between', async () => {
    const text = await textOf([out(lines)])
    const [, head, left, from, tail] =
      /^([^]*?)\[… ([\d,]+) bytes left out; read them with read_output\(cell="c3", from=(\d+)\) …\]\n([^]*)$/.exec(
        text,
      )!
    expect(lines.startsWith(head!)).toBe(true)
    expect(lines.trimEnd().endsWith(tail!)).toBe(true)
    expect(head!.length).toBeGreaterThan(5800)
    expect(head!.length).toBeLessThanOrEqual(6000)
    expect(tail!.length).toBeGreaterThan(3700)
    expect(Buffer.byteLength(head!)).toBe(Number(from))
    const missing = Buffer.byteLength(lines) - Buffer.byteLength(head!) - Buffer.byteLength(`${tail!}\n`)
    expect(Number(left!.replaceAll(',', ''))).toBe(missing)
  })

  test('what a cut points to can be read, to the last byte', async () => {
    const text = await textOf([out(lines)])
    const from = Number(/from=(\d+)/.exec(text)![1])
    const left = Number(/([\d,]+) bytes left/.exec(text)![1]!.replaceAll(',', ''))
    const messages = () => [{ output: out(lines), late: false }]
    const middle = await readOutput(outputsOf([out(lines)]), messages, { from, maxBytes: left, readBlob: noBlobs })
    const [head, tail] = text.split(/\[….*…\]\n/)
    expect(`${head}${middle.text}${tail}\n`).toBe(lines)
  })

  test('several outputs share the room', async () => {
    const text = await textOf([out('a'.repeat(9000)), show({ 'text/plain': 'm'.repeat(9000) }), out('z'.repeat(9000))])
    expect(text).toMatch(/^a{6000}\n\[….*…\]\nz{4000}$/)
  })

  test('a part that is a file has its mark, also when all the rest fits', async () => {
    const blob = { blob: 'a'.repeat(64), bytes: 1_000_010, encoding: 'text' as const, head: 'start', tail: 'end\n' }
    expect(await textOf([{ output_type: 'stream', name: 'stdout', text: blob }])).toBe(
      'start\n[… 1,000,001 bytes left out; read them with read_output(cell="c3", from=5) …]\nend',
    )
  })

  test('a long traceback keeps its first frames, its last ones and the message', async () => {
    const frames = Array.from({ length: 50 }, (_, i) => `File f${i}.py in g${i}\n${'  code\n'.repeat(20)}`)
    const traceback = ['-----', ...frames, 'ValueError: boom']
    const text = await textOf([{ output_type: 'error', ename: 'ValueError', evalue: 'boom', traceback }])
    expect(text).toContain('in g0\n')
    expect(text).toContain('in g49\n')
    expect(text).not.toContain('in g25\n')
    expect(text).toMatch(/bytes left out; read them with read_output/)
    expect(text.endsWith('ValueError: boom')).toBe(true)
    expect(text.length).toBeLessThan(5000)
  })
})

describe('images', () => {
  const plot = (width: number, height: number) =>
    sharp({ create: { width, height, channels: 3, background: '#336699' } })
      .png()
      .toBuffer()
  const asOutput = (bytes: Buffer, mime = 'image/png') =>
    show({ [mime]: bytes.toString('base64'), 'text/plain': '<Figure>' })

  test('are scaled to 1024 on the long side, with a mark in the text', async () => {
    const bytes = await plot(3000, 1500)
    const [text, image] = await renderForModel([out('before\n'), asOutput(bytes)], options)
    expect(text).toEqual({
      type: 'text',
      text: `before\n[image: image/png, ${bytes.length.toLocaleString('en-US')} bytes]`,
    })
    const { width, height } = await sharp(dataOf(image)).metadata()
    expect([width, height]).toEqual([1024, 512])
    expect(image).toMatchObject({ mediaType: expect.stringMatching(/^image\/(png|webp)$/) as string })
  })

  test('small ones stay as large as they are', async () => {
    const [, image] = await renderForModel([asOutput(await plot(20, 10))], options)
    const { width } = await sharp(dataOf(image)).metadata()
    expect(width).toBe(20)
  })

  test('noise stays under 1.5 MB', async () => {
    const raw = Buffer.alloc(2000 * 2000 * 3, '').map((_, i) => (i * 2654435761) >>> 13)
    const noise = await sharp(raw, { raw: { width: 2000, height: 2000, channels: 3 } })
      .png()
      .toBuffer()
    const [, image] = await renderForModel([asOutput(noise)], options)
    expect(image!.type === 'image' && image!.data.byteLength).toBeLessThanOrEqual(1_500_000)
  })

  test('of too many, the first and the last are shown', async () => {
    const outputs = await Promise.all([1, 2, 3, 4, 5, 6].map(async (n) => asOutput(await plot(n, 1))))
    const [text, ...images] = await renderForModel(outputs, { ...options, maxImages: 3 })
    const widths = await Promise.all(images.map(async (i) => (await sharp(dataOf(i)).metadata()).width))
    expect(widths).toEqual([1, 2, 6])
    expect(text).toMatchObject({
      text: expect.stringContaining('3 of 6 images are not shown: those from 3 to 5') as string,
    })
  })

  test('what is no image, broken, or a bomb becomes a mark', async () => {
    const bomb = await sharp({ create: { width: 8000, height: 8000, channels: 3, background: 'white' } })
      .png()
      .toBuffer()
    const cut = (await plot(500, 500)).subarray(0, 100)
    const outputs = [asOutput(Buffer.from('no image')), asOutput(cut), asOutput(bomb)]
    const [text, ...images] = await renderForModel(outputs, options)
    expect(images).toEqual([])
    const said = text!.type === 'text' ? text!.text : ''
    expect(said).toContain('[image 1 of 3 is not shown: it is not a PNG, JPEG, WebP or GIF]')
    expect(said).toContain('[image 2 of 3 is not shown: it is broken')
    expect(said).toContain('[image 3 of 3 is not shown: its 8000×8000 pixels are too many]')
  })

  test('one that is a file is read; a missing one is a mark', async () => {
    const bytes = await plot(30, 30)
    const ref = { blob: 'c'.repeat(64), bytes: bytes.length, encoding: 'base64' as const }
    const found = await renderForModel([show({ 'image/png': ref })], { ...options, readBlob: () => bytes })
    expect(found.map(({ type }) => type)).toEqual(['text', 'image'])
    const [missing] = await renderForModel([show({ 'image/png': ref })], options)
    expect(missing).toMatchObject({ text: expect.stringContaining('its file is missing') as string })
  })
})
