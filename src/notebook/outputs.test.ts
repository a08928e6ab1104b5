import { describe, expect, test } from 'vitest'
import type { Output } from './nbformat.ts'
import { addOutput, emptyOutputs, itemsOf, outputsOf, type OutputItem, type OutputList } from './outputs.ts'
import { HEAD_CHARS, TAIL_CHARS, viewOfStream, type StreamText } from './stream-text.ts'

const out = (text: string): Output => ({ output_type: 'stream', name: 'stdout', text })
const err = (text: string): Output => ({ output_type: 'stream', name: 'stderr', text })
const show = (text: string, id?: string): Output => ({
  output_type: 'display_data',
  data: { 'text/plain': text },
  metadata: {},
  ...(id === undefined ? {} : { display_id: id }),
})
const update = (text: string, id: string): Output => ({
  output_type: 'update_display_data',
  data: { 'text/plain': text },
  metadata: {},
  display_id: id,
})
const clear = (wait: boolean): Output => ({ output_type: 'clear_output', wait })

function texts(list: OutputList): string[] {
  return itemsOf(list).map((item) => {
    if (item.kind === 'stream') return `${item.name}: ${viewOfStream(item.text).head}`
    return item.kind === 'data' ? (item.output.data['text/plain'] as string) : item.output.ename
  })
}

test.each<[string, Output[], string[]]>([
  ['writes to one stream are one', [out('a'), out('b\n'), out('c')], ['stdout: ab\nc']],
  ['another stream begins another', [out('a'), err('b'), out('c')], ['stdout: a', 'stderr: b', 'stdout: c']],
  ['a display comes between', [out('a'), show('x'), out('b')], ['stdout: a', 'x', 'stdout: b']],
  ['a progress bar over many messages', [err('10%'), err('\r20%'), err('\r30%\n')], ['stderr: 30%\n']],
  ['clear', [out('a'), show('x'), clear(false), out('b')], ['stdout: b']],
  ['clear that waits, with nothing after it', [out('a'), clear(true)], ['stdout: a']],
  ['clear that waits', [out('a'), clear(true), out('b'), out('c')], ['stdout: bc']],
  ['clear that waits, then clear', [out('a'), clear(true), clear(false), out('b'), out('c')], ['stdout: bc']],
  [
    'an update changes every display of its id',
    [show('1', 'd'), show('1', 'd'), show('1', 'e'), update('2', 'd')],
    ['2', '2', '1'],
  ],
  ['an update of nothing shows nothing', [update('2', 'd')], []],
])('%s', (_, messages, expected) => {
  expect(texts(outputsOf(messages))).toEqual(expected)
})

describe('after the cell’s end', () => {
  const texted = (list: OutputList) => texts(list).map((text, i) => `${itemsOf(list)[i]!.late ? 'late ' : ''}${text}`)

  test.each<[string, Output[], Output[], string[]]>([
    ['what is printed is put behind', [out('a')], [out('b'), out('c')], ['stdout: a', 'late stdout: bc']],
    [
      'a carriage return changes nothing',
      [out('50%')],
      [out('\r60%'), out('\r70%')],
      ['stdout: 50%', 'late stdout: 70%'],
    ],
    [
      'what is cleared is only what is late',
      [out('a'), show('x')],
      [out('b'), clear(false), out('c')],
      ['stdout: a', 'x', 'late stdout: c'],
    ],
    [
      'with the next output, too',
      [out('a')],
      [out('b'), clear(true), out('c'), out('d')],
      ['stdout: a', 'late stdout: cd'],
    ],
    [
      'a clear that the cell has left behind clears nothing',
      [out('a'), clear(true)],
      [out('b')],
      ['stdout: a', 'late stdout: b'],
    ],
    [
      'an update stands behind, and the next changes that',
      [show('1', 'd')],
      [update('2', 'd'), update('3', 'd')],
      ['1', 'late 3'],
    ],
  ])('%s', (_, messages, late, expected) => {
    const list = outputsOf(messages)
    for (const message of late) addOutput(list, message, { late: true })
    expect(texted(list)).toEqual(expected)
  })
})

describe('an Output widget', () => {
  const add = (list: OutputList, ...messages: [Output, into?: string][]) => {
    for (const [message, into] of messages) addOutput(list, message, { into })
    return texts(list)
  }

  test('clears what it holds, and only that', () => {
    expect(
      add(
        emptyOutputs(),
        [out('a')],
        [out('b'), 'w'],
        [out('c'), 'v'],
        [clear(false), 'w'],
        [out('d'), 'w'],
        [out('e')],
      ),
    ).toEqual(['stdout: a', 'stdout: c', 'stdout: d', 'stdout: e'])
  })

  test('with what it holds next; the cell’s own output does not count', () => {
    const list = emptyOutputs()
    expect(add(list, [out('a')], [out('b'), 'w'], [clear(true), 'w'], [out('c')])).toEqual([
      'stdout: a',
      'stdout: b',
      'stdout: c',
    ])
    expect(add(list, [out('d'), 'w'])).toEqual(['stdout: a', 'stdout: c', 'stdout: d'])
  })

  test('the cell clears all of them', () => {
    expect(
      add(emptyOutputs(), [out('a'), 'w'], [clear(true), 'w'], [clear(false)], [out('b'), 'w'], [out('c'), 'w']),
    ).toEqual(['stdout: bc'])
  })
})

function streamOf(item: OutputItem): StreamText {
  if (item.kind !== 'stream') throw new Error('not a stream')
  return item.text
}

describe('bounded', () => {
  test('a long stream keeps head and tail, and counts what is between to the byte', () => {
    const list = emptyOutputs()
    let written = ''
    for (let i = 0; i < 3000; i++) {
      const line = `${i} ${'é'.repeat(100)}\n`
      written += line
      addOutput(list, out(line))
    }
    const item = itemsOf(list)[0]!
    const { head, leftOutBytes, tail } = viewOfStream(streamOf(item))
    expect(head).toBe(written.slice(0, HEAD_CHARS))
    expect(written.endsWith(tail)).toBe(true)
    expect(tail.length).toBeGreaterThanOrEqual(TAIL_CHARS)
    expect(Buffer.byteLength(head) + leftOutBytes + Buffer.byteLength(tail)).toBe(Buffer.byteLength(written))
    expect(JSON.stringify(list).length).toBeLessThan(1_000_000)
  })

  test('20,000 displays keep the first 400 and the last 100, and say how many are missing', () => {
    const list = emptyOutputs()
    for (let i = 0; i < 20_000; i++) addOutput(list, show(`display ${i}`))
    expect(list.first).toHaveLength(400)
    expect(list.last).toHaveLength(100)
    expect(list.cut?.outputs).toBe(19_500)
    expect(texts(list).at(399)).toBe('display 399')
    expect(texts(list).at(400)).toBe('display 19900')
  })

  test('few but large displays are cut as well', () => {
    const list = emptyOutputs()
    for (let i = 0; i < 100; i++) addOutput(list, show(`${i}${'x'.repeat(1_000_000)}`))
    expect(JSON.stringify(list).length).toBeLessThan(60_000_000)
    expect(itemsOf(list).length + list.cut!.outputs).toBe(100)
    expect(texts(list).at(-1)!.startsWith('99x')).toBe(true)
  })

  test('a part that is a file is listed, and its preview stands', () => {
    const blob = { blob: 'a'.repeat(64), bytes: 2_000_000, encoding: 'text' as const, head: 'start ', tail: ' end\n' }
    const list = outputsOf([out('before\n'), { output_type: 'stream', name: 'stdout', text: blob }, out('after\n')])
    const item = itemsOf(list)[0]!
    const stream = streamOf(item)
    expect(viewOfStream(stream)).toEqual({
      head: 'before\nstart ',
      leftOutBytes: 2_000_000 - 11,
      tail: ' end\nafter\n',
    })
    expect(stream.blobs).toEqual([{ sha256: 'a'.repeat(64), bytes: 2_000_000, at: 7 }])
  })

  test('a preview longer than its file is not believed', () => {
    const blob = { blob: 'a'.repeat(64), bytes: 3, encoding: 'text' as const, head: 'much longer' }
    const item = itemsOf(outputsOf([{ output_type: 'stream', name: 'stdout', text: blob }]))[0]!
    expect(viewOfStream(streamOf(item))).toEqual({
      head: '',
      leftOutBytes: 3,
      tail: '',
    })
  })
})
