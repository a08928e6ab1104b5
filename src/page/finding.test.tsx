import { renderToString } from 'preact-render-to-string'
import { expect, test } from 'vitest'
import type { Finding } from '../run/events.ts'
import { FindingCard } from './finding.tsx'
import type { View } from './view.ts'

const view: View = {
  artifactUrl: () => '',
  cellHref: (session, cell) => `#${session}/${cell}`,
  isOpen: () => undefined,
  eager: false,
}
const FINDING: Finding = { claim: 'It **does**.', confidence: 0.823, cells: ['c3', 'c7'] }

const draw = (finding: Partial<Finding>, counted = true) =>
  renderToString(
    <FindingCard
      id="finding-1"
      finding={{ ...FINDING, ...finding }}
      by="agent:main"
      session="s1"
      counted={counted}
      view={view}
    />,
  )

test('a finding says whose claim it is, how sure, and on what it rests', () => {
  const html = draw({ answer: { layer: 14, where: 'middle' } })
  expect(html).toContain('claimed by main, checked by nobody else')
  expect(html).toContain('<strong>does</strong>')
  expect(html).toContain('82%')
  expect(html).toContain('<dt>layer</dt><dd>14</dd>')
  expect(html).toMatch(/href="#s1\/c3" data-cell="cell-s1-c3">c3/)
})

test('an answer of several values reads as text', () => {
  const html = draw({ answer: { rates: { own: 0.123456, interval: [-1, 1], at: { layer: 3 } }, none: null } })
  expect(html).toContain('<dd>own 0.1235, interval [-1, 1], at {&quot;layer&quot;:3}</dd>')
  expect(html).toContain('<dt>none</dt><dd>null</dd>')
})

test('what was not given is said not to be', () => {
  expect(draw({})).toContain('none was named')
  expect(draw({ cells: [] })).toContain('no cell was named')
  expect(draw({ effect: { value: 1, n: 3, unit: 'nats' } })).toContain('no interval')
})

test('an effect stands with its interval, and with zero in the same drawing', () => {
  const html = draw({ effect: { value: 0.45, n: 20, interval: [0.2, 0.7], unit: 'rate' } })
  expect(html).toContain('95% interval 0.2 to 0.7, n = 20')
  const [zero, value] = [/interval-zero" x1="([\d.]+)"/, /cx="([\d.]+)"/].map((at) => Number(at.exec(html)?.[1]))
  expect(zero).toBe(8)
  expect(value).toBeCloseTo(8 + (0.45 / 0.7) * 144)
})

test('a later one is said not to count', () => {
  expect(draw({}, false)).toContain('does not count')
  expect(draw({})).not.toContain('does not count')
})
