/**
 * Are two texts the same but for the last digits of their numbers?
 *
 * Wherever a text can be read in two ways, the strict reading counts: a number that is glued to letters (`12ms`, `layer3`) or
 * has several points (`1.2.3`) is text, and whole numbers (counts, token ids) must be equal to the digit.
 */
export type TextComparison =
  | { verdict: 'exact' | 'within-tolerance'; largestRelative: number }
  | { verdict: 'differs'; largestRelative: number | null; detail: string }

/** Where one of two numbers is exactly zero there is no relative difference; the other may then be this large. */
const ZERO_TOLERANCE = 1e-8

export function compareText(recorded: string, fresh: string, rtol: number): TextComparison {
  const [before, after] = [tokens(recorded), tokens(fresh)]
  const count = Math.max(before.length, after.length)
  let largest = 0
  let isExact = true
  let tooFar: string | undefined
  for (let i = 0; i < count; i++) {
    const [a, b] = [before[i], after[i]]
    if (a?.number === undefined || b?.number === undefined) {
      if (a?.text === b?.text) continue
      return { verdict: 'differs', largestRelative: null, detail: textDetail(before, after, i) }
    }
    const relative = relativeDifference(a.text, b.text)
    if (relative === 'equal') continue
    isExact = false
    if (relative > rtol) tooFar ??= `${around(before, i)} → ${b.text}`
    largest = Math.max(largest, relative)
  }
  if (tooFar !== undefined)
    return { verdict: 'differs', largestRelative: largest === Infinity ? null : largest, detail: tooFar }
  return { verdict: isExact ? 'exact' : 'within-tolerance', largestRelative: largest }
}

interface Token {
  readonly text: string
  readonly number: true | undefined
}

const DIGITS = String.raw`(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?`
// "1,234" is one number, but not where commas or brackets stand around it: there it is more likely two items of a list.
const GROUPED = String.raw`(?<![[({,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![,\])}])`
const SIGN = String.raw`(?<![\w.)\]])[+-]`
const NUMBER = new RegExp(String.raw`(?<![\w.])(?:${SIGN})?(?:${GROUPED}|${DIGITS}|inf(?:inity)?|nan)(?!\w|\.\w)`, 'gi')

/** Text and numbers in turn, beginning and ending with text. */
export function tokens(text: string): Token[] {
  const found: Token[] = []
  let at = 0
  for (const match of text.matchAll(NUMBER)) {
    found.push({ text: text.slice(at, match.index), number: undefined }, { text: match[0], number: true })
    at = match.index + match[0].length
  }
  found.push({ text: text.slice(at), number: undefined })
  return found
}

function relativeDifference(recorded: string, fresh: string): number | 'equal' {
  if (recorded === fresh) return 'equal'
  // Beyond 2^53 two whole numbers may be one double.
  if (isWhole(recorded) && isWhole(fresh)) return bare(recorded) === bare(fresh) ? 'equal' : Infinity
  const [a, b] = [parse(recorded), parse(fresh)]
  if (Object.is(a, b) || a === b) return 'equal'
  if (!Number.isFinite(a) || !Number.isFinite(b)) return Infinity
  const difference = Math.abs(a - b)
  if (a === 0 || b === 0) return difference <= ZERO_TOLERANCE ? 0 : Infinity
  return difference / Math.max(Math.abs(a), Math.abs(b))
}

function parse(text: string): number {
  const word = bare(text).toLowerCase()
  if (word.endsWith('nan')) return Number.NaN
  if (word.includes('inf')) return word.startsWith('-') ? -Infinity : Infinity
  return Number(word)
}

const isWhole = (text: string) => /^[+-]?[\d,]+$/.test(text)
const bare = (text: string) => text.replaceAll(',', '').replace(/^\+/, '')

function textDetail(before: readonly Token[], after: readonly Token[], i: number): string {
  const [a, b] = [whole(before, i), whole(after, i)]
  let same = 0
  while (same < a.length && a[same] === b[same]) same++
  const from = Math.max(0, same - 20)
  return `${quoted(a.slice(from))} → ${quoted(b.slice(from))}`
}

function whole(found: readonly Token[], i: number): string {
  return found
    .slice(i)
    .map(({ text }) => text)
    .join('')
}

function around(found: readonly Token[], i: number): string {
  return `${(found[i - 1]?.text ?? '').split('\n').at(-1)!.slice(-30)}${found[i]!.text}`.trim()
}

function quoted(text: string): string {
  return text === '' ? '(end)' : JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}
