import { expect, test } from 'vitest'
import type { Output } from '../../notebook/nbformat.ts'
import { emptyCellOutput, endOutput, takeOutput, type CellOutput } from './cell-output.ts'

const stdout = (text: string): Output => ({ output_type: 'stream', name: 'stdout', text })
const stderr = (text: string): Output => ({ output_type: 'stream', name: 'stderr', text })
const text = (value: string, id?: string): Output => ({
  output_type: 'display_data',
  data: { 'text/plain': value },
  metadata: {},
  ...(id === undefined ? {} : { display_id: id }),
})
const numbered = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`)

function play(cell: CellOutput, outputs: Output[]): { now: string[]; end: string[] } {
  const now = outputs.flatMap((output) => takeOutput(cell, output, 0)).map((line) => `${line.kind} ${line.text}`)
  return { now, end: endOutput(cell).map((line) => `${line.kind} ${line.text}`) }
}

test('short output is shown as it comes, an open line at the end', () => {
  expect(play(emptyCellOutput(), [stdout('a\nb'), stdout('c\nopen')])).toEqual({
    now: ['out a', 'out bc'],
    end: ['out open'],
  })
})

test('of long output the first lines come at once, the last ones at the end, with a count between', () => {
  const { now, end } = play(emptyCellOutput(), [
    stdout(`${numbered(0, 50).join('\n')}\n`),
    stdout(`${numbered(50, 100).join('\n')}\n`),
  ])
  expect(now).toEqual(numbered(0, 14).map((n) => `out ${n}`))
  expect(end).toEqual(['about 80', ...numbered(94, 100).map((n) => `out ${n}`)])
})

test('every line is either shown or counted, however the text is cut into messages', () => {
  const whole = numbered(0, 200).join('\n') + '\n'
  for (const step of [1, 7, 50, 1000]) {
    const parts = Array.from({ length: Math.ceil(whole.length / step) }, (_, i) =>
      stdout(whole.slice(i * step, (i + 1) * step)),
    )
    const { now, end } = play(emptyCellOutput(), parts)
    expect(now.length + end.length - 1 + Number(end[0]!.slice(6))).toBe(200)
  }
})

test('a progress bar is one line', () => {
  const bar = '\r  0%|   |\r 50%|#  |\r100%|###|'
  expect(play(emptyCellOutput(), [stderr(bar), stderr('\n'), stdout('done\n')]).now).toEqual([
    'err 100%|###|',
    'out done',
  ])
})

test('an error comes after what was held back, with the last lines of its traceback', () => {
  const traceback = numbered(0, 40).map((n) => `frame ${n}`)
  const error: Output = { output_type: 'error', ename: 'E', evalue: 'v', traceback: [...traceback, 'E: v'] }
  const { now, end } = play(emptyCellOutput(), [stdout(`${numbered(0, 30).join('\n')}\n`), error])
  expect(now.slice(14, 22)).toEqual([
    'about 10',
    ...numbered(24, 30).map((n) => `out ${n}`),
    'error … 31 earlier lines of the traceback',
  ])
  expect(now.at(-1)).toBe('error E: v')
  expect(end).toEqual([])
})

test('cleared output is counted and not shown; a display that was changed is shown as it ended', () => {
  const clear: Output = { output_type: 'clear_output', wait: true }
  const filler = stdout(`${numbered(0, 20).join('\n')}\n`)
  expect(play(emptyCellOutput(), [filler, clear, stdout('after\n')]).end).toEqual(['about 6', 'out after'])
  const update: Output = {
    output_type: 'update_display_data',
    data: { 'text/plain': 'new' },
    metadata: {},
    display_id: 'd',
  }
  expect(play(emptyCellOutput(), [text('old', 'd'), update])).toEqual({ now: ['out old'], end: ['out new'] })
  expect(play(emptyCellOutput(), [text('new', '__proto__'), { ...update, display_id: '__proto__' }]).end).toEqual([])
})

test('a part that is a file shows its ends; figures are told by size and place', () => {
  const file: Output = {
    output_type: 'stream',
    name: 'stdout',
    text: { blob: 'a'.repeat(64), bytes: 5_000_000, encoding: 'text', head: 'first\n', tail: 'last\n' },
  }
  const cell = emptyCellOutput()
  expect(play(cell, [file]).now).toEqual(['out first', 'out last'])
  expect(cell.files).toEqual({ parts: 1, bytes: 5_000_000 })
  const png = Buffer.from('89504e470d0a1a0a0000000d4948445200000280000001e0', 'hex').toString('base64')
  const figure: Output = {
    output_type: 'display_data',
    data: { 'image/png': png, 'text/plain': '<Figure>' },
    metadata: {},
  }
  expect(play(emptyCellOutput(), [figure]).now).toEqual(['out [figure 640×480 PNG, 24 bytes]'])
})

test('20,000 figures are not 20,000 lines', () => {
  const figure: Output = { output_type: 'display_data', data: { 'image/png': 'aaaa' }, metadata: {} }
  const { now, end } = play(
    emptyCellOutput(),
    Array.from({ length: 20_000 }, () => figure),
  )
  expect(now).toHaveLength(20)
  expect(end).toHaveLength(7)
})

test('a long cell shows less and less often how far it is, and every line is still accounted for', () => {
  const cell = emptyCellOutput({ live: true, at: 0 })
  const shown = Array.from({ length: 300 }, (_, second) =>
    takeOutput(cell, stdout(`${second}\n`), second * 1000),
  ).flat()
  const peeks = shown.slice(14).filter(({ kind }) => kind === 'out')
  expect(peeks.map((line) => line.text)).toEqual(['14', '34', '74', '154'])
  const all = [...shown, ...endOutput(cell)]
  const counted = all.reduce((sum, { kind, text: said }) => sum + (kind === 'about' ? Number(said) : 1), 0)
  expect(counted).toBe(300)
})
