/** Words and claims as markdown cells. Whoever they are by, they stand in a quotation that names him. */
import { plain, quoted } from '../notebook/safe-markdown.ts'
import type { By, Finding } from './events.ts'
import type { Claim, Saying, Words } from './fold-said.ts'

/** `nameOf` says how the notebook calls a cell. */
export function sayingText(saying: Saying, nameOf: (session: string | null, cell: string) => string): string {
  return saying.kind === 'words' ? wordsText(saying) : claimText(saying, nameOf)
}

function wordsText({ by, to, text }: Words): string {
  const speaker = to === null ? nameOfAuthor(by) : `${nameOfAuthor(by)} to ${plain(to)}`
  return `**${speaker}:**\n\n${quoted(text)}`
}

function claimText(
  { by, session, finding, counted }: Claim,
  nameOf: (session: string | null, cell: string) => string,
): string {
  const { claim, confidence, answer = {}, effect, control, cells, calls = [] } = finding
  const title = `**Claim of ${nameOfAuthor(by)}** (not checked by anyone but the agent)`
  const facts: [string, string][] = [
    ['Confidence', String(confidence)],
    ...Object.entries(answer).map(([field, value]): [string, string] => [`Answer, ${plain(field)}`, valueText(value)]),
    ...(effect ? [['Effect', effectText(effect)] as [string, string]] : []),
    ...(control === undefined ? [] : [['Control', plain(control)] as [string, string]]),
    ['Rests on', [...cells.map((cell) => plain(nameOf(session, cell))), ...calls.map(plain)].join(', ') || 'no cell'],
  ]
  return [
    title,
    ...(counted ? [] : ['It was submitted after the first one, and does not count.']),
    quoted(claim),
    facts.map(([name, text]) => `- ${name}: ${text}`).join('\n'),
  ].join('\n\n')
}

function effectText({ value, unit, n, interval }: NonNullable<Finding['effect']>): string {
  const between = interval ? `, 95% interval ${interval[0]} to ${interval[1]}` : ''
  return `${value} ${plain(unit)}${between}, n = ${n}`
}

function valueText(value: unknown): string {
  return plain(typeof value === 'string' ? value : JSON.stringify(value))
}

function nameOfAuthor(by: By): string {
  return by === 'researcher' ? 'The researcher' : plain(by.replace(/^agent:/, ''))
}
