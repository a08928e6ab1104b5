import { expect, test } from 'vitest'
import { startStep, showProgress, type ProgressEvent } from './progress.ts'

function screen(isTTY: boolean) {
  const written: string[] = []
  return { isTTY, columns: 60, write: (text: string) => written.push(text) > 0, text: () => written.join('') }
}

test('a step says nothing until there is something to do', () => {
  const events: ProgressEvent[] = []
  const progress = (event: ProgressEvent) => void events.push(event)
  startStep({ progress }, 'ready').done('done')
  expect(events).toEqual([])
  const step = startStep({ progress }, 'build')
  step.update('one')
  step.update('two')
  step.done('three')
  expect(events.map(({ state, message }) => [state, message])).toEqual([
    ['start', 'one'],
    ['update', 'two'],
    ['done', 'three'],
  ])
})

test('without a terminal: plain lines, and the stream of a tool’s updates held back', () => {
  const output = screen(false)
  using progress = showProgress(output)
  progress({ step: 'uv', state: 'start', message: 'installing', elapsedMs: 0 })
  for (let n = 0; n < 50; n++) progress({ step: 'uv', state: 'update', message: `${n}`, elapsedMs: n })
  progress({ step: 'uv', state: 'done', message: 'installed', elapsedMs: 2_345 })
  expect(output.text()).toBe('  … uv: installing\n  ✓ uv: installed (2.3 s)\n')
})

test('on a terminal: one line that is redrawn, never wider than the screen', () => {
  const output = screen(true)
  using progress = showProgress(output)
  progress({ step: 'uv', state: 'start', message: 'x'.repeat(200), elapsedMs: 61_000 })
  progress({ step: 'uv', state: 'done', message: 'installed', elapsedMs: 62_000 })
  const [drawn = '', done] = output.text().split('\r\x1b[2K').slice(1)
  // eslint-disable-next-line no-control-regex
  expect(drawn.replaceAll(/\x1b\[\d+m/g, '').length).toBeLessThan(60)
  expect(done).toBe('  ✓ uv: installed (62 s)\n')
})
