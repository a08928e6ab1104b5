/** A finding, in a box that says what it is: a claim of the agent's. */
import type { By, Finding } from '../../run/events.ts'
import { number } from '../../amounts.ts'
import { widthOf } from './columns.ts'
import { behind, inline, linesOf, type Look } from './look.ts'

const LABEL = 12

export function findingBox(look: Look, finding: Finding, by: By): string[] {
  const { colors } = look
  const who = by.startsWith('agent:') ? inline(by.slice('agent:'.length), 30) : inline(by, 30)
  const title = ` claim of ${who} · confidence ${number(finding.confidence)} `
  const fill = '━'.repeat(Math.max(2, look.width - widthOf(title) - 2))
  const { effect, control, answer, cells, calls = [] } = finding
  const rows = [
    ...behind(look, bar(look), linesOf(finding.claim.trim()), { fold: 'words' }),
    bar(look).trimEnd(),
    ...Object.entries(answer ?? {}).flatMap(([key, value], index) =>
      labelled(look, index === 0 ? 'answer' : '', `${key}: ${valueText(value)}`),
    ),
    ...(effect ? labelled(look, 'effect', effectText(effect)) : []),
    ...labelled(look, 'control', control ?? 'none was named'),
    ...labelled(look, 'rests on', [...cells, ...calls].join(', ') || 'no cell'),
  ]
  const end = ' not checked by anyone but the agent '
  const endFill = '━'.repeat(Math.max(2, look.width - end.length - 2))
  return [
    `${colors.cyan('┏━')}${colors.bold(title)}${colors.cyan(fill)}`,
    ...rows,
    `${colors.cyan('┗━')}${colors.dim(end)}${colors.cyan(endFill)}`,
  ]
}

function bar(look: Look): string {
  return `${look.colors.cyan('┃')} `
}

function labelled(look: Look, label: string, text: string): string[] {
  const blank = bar(look) + ' '.repeat(LABEL)
  const [first = blank, ...more] = behind(look, blank, linesOf(text), { fold: 'words', maxRows: 20 })
  return [bar(look) + look.colors.dim(label.padEnd(LABEL)) + first.slice(blank.length), ...more]
}

function effectText({ value, unit, n, interval }: NonNullable<Finding['effect']>): string {
  const range = interval ? `, 95% interval ${number(interval[0])} to ${number(interval[1])}` : ', no interval'
  return `${number(value)} ${unit} (n = ${number(n)}${range})`
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
