/** What must hold between ARCHITECTURE.md, the sources, and the way that a cell really went. Each rule says what is wrong. */
import { globSync } from 'node:fs'
import { hasPythonDeclaration, typescriptDeclaration } from './walk-declarations.ts'
import { codeSpans, filesAside, hopsOf, root, type Hop } from './walk-document.ts'
import type { Hit, Walk } from './walk-run.ts'

export type Sources = ReadonlyMap<string, string>

export function walkProblems(markdown: string, sources: Sources, walk: Walk): string[] {
  const hops = hopsOf(markdown)
  return [
    ...rowProblems(hops, sources),
    ...orderProblems(hops, walk),
    ...fileProblems(markdown, hops, walk),
    ...eventProblems(hops, walk),
  ]
}

/** Rows that cannot be right, whatever was traced. */
export function rowProblems(hops: readonly Hop[], sources: Sources): string[] {
  const problems: string[] = []
  for (const [i, hop] of hops.entries()) {
    const before = hops.slice(0, i).findLast(({ beside }) => !beside)
    const number = hop.beside ? `${before?.number}a` : String(Number(before?.number ?? 0) + 1)
    if (hop.number !== number) problems.push(`row ${hop.number} should be row ${number}`)
    if (hop.process !== processOf(hop.file))
      problems.push(`row ${hop.number}: ${hop.file} runs in ${processOf(hop.file)}, not in ${hop.process}`)
    if (!isDeclared(hop, sources)) problems.push(`row ${hop.number}: ${hop.file} declares no ${hop.name}`)
    if (!hop.beside && before?.part === hop.part && !areNeighbours(before.process, hop.process))
      problems.push(`rows ${before.number} and ${hop.number}: nothing connects ${before.process} and ${hop.process}`)
  }
  return problems
}

const PROCESSES = ['seer', 'relay', 'host', 'kernel']

function areNeighbours(a: string, b: string): boolean {
  return Math.abs(PROCESSES.indexOf(a) - PROCESSES.indexOf(b)) <= 1
}

function processOf(file: string): string {
  if (file.startsWith('src/')) return 'seer'
  if (file === 'python/seer_host/relay.py') return 'relay'
  return file.startsWith('python/seer_host/') ? 'host' : 'kernel'
}

function isDeclared({ file, name }: Pick<Hop, 'file' | 'name'>, sources: Sources): boolean {
  const source = sources.get(file)
  if (source === undefined) return false
  return file.endsWith('.ts') ? typescriptDeclaration(source, name) !== undefined : hasPythonDeclaration(source, name)
}

/** The rows in the order in which a cell came to them, each for the first time in its part, against the document's order. */
function orderProblems(hops: readonly Hop[], walk: Walk): string[] {
  const reached = hops.map((hop) => ({ hop, at: firstHit(hop, walk)?.at }))
  const never = reached
    .filter(({ at }) => at === undefined)
    .map(({ hop }) => `row ${hop.number}: the cell never came to ${nameOf(hop)}`)
  const groups = [reached.filter(({ hop }) => !hop.beside), reached.filter(({ hop }) => hop.process === 'seer')]
  const late = groups.flatMap((group) =>
    group.slice(1).flatMap(({ hop, at }, i) => {
      const before = group[i]!
      if (at === undefined || before.at === undefined || before.at < at) return []
      return [`row ${hop.number}: the cell came to ${nameOf(hop)} before ${nameOf(before.hop)}`]
    }),
  )
  return [...never, ...new Set(late)]
}

function firstHit({ file, name, label, part }: Hop, { hits, began }: Walk): Hit | undefined {
  const from = began[part]
  if (from === undefined) return undefined
  return hits.find(
    (hit) =>
      hit.at >= from && hit.file === file && hit.name === name && (label === undefined || hit.labels.includes(label)),
  )
}

function nameOf({ name, label }: Hop): string {
  return label === undefined ? name : `${name} of ${label}`
}

/** A file on the way is in the tables, or said to be left out of them. */
function fileProblems(markdown: string, hops: readonly Hop[], walk: Walk): string[] {
  const aside = filesAside(markdown).map((pattern) => (pattern.endsWith('/') ? `${pattern}*` : pattern))
  const known = new Set([...hops.map(({ file }) => file), ...globSync(aside, { cwd: root })])
  return [...walk.files]
    .filter((file) => /^(src|python)\/(?!boot)/.test(file) && !known.has(file))
    .map((file) => `the cell passes through ${file}, which has no row`)
}

/** What the log says of the cell is what the rows say that is appended, in that order. */
function eventProblems(hops: readonly Hop[], { events }: Walk): string[] {
  const call = events.find(({ type }) => type === 'tool-start')?.call
  const cell = events.findLast(({ type }) => type === 'cell-start')?.cell
  const logged = events
    .filter((event) => (event.call === call ? call !== undefined : event.cell === cell && cell !== undefined))
    .map(({ type }) => type)
  const told = hops.flatMap(({ name, label }) => (name === 'Run.#append' && label !== undefined ? [label] : []))
  return logged.join() === told.join()
    ? []
    : [`the log says of the cell: ${logged.join(', ')}; the rows: ${told.join(', ')}`]
}

const FOREIGN = ['npm ci', 'npm install --no-save', 'await using', 'execute', 'output']

/** Every path, function and command that the document names is there. */
export function nameProblems(markdown: string, sources: Sources): string[] {
  const all = [...sources.values()].join('\n')
  return [...new Set(codeSpans(markdown))].flatMap((span) => {
    if (FOREIGN.includes(span)) return []
    if (/^[\w.-]+\/[\w./*-]*$/.test(span) && !/^[a-z]+\/[a-z]+$/.test(span))
      return globSync(span, { cwd: root }).length > 0 ? [] : [`there is no ${span}`]
    if (span.startsWith('seer '))
      return all.includes(`.command('${span.slice(5)}')`) ? [] : [`there is no command ${span}`]
    if (/^[A-Za-z_]\w*\.#?[a-z_]\w*$/.test(span) && !/\.(ts|py|md|json|jsonl)$/.test(span)) {
      return [...sources.keys()].some((file) => isDeclared({ file, name: span }, sources))
        ? []
        : [`nothing declares ${span}`]
    }
    return new RegExp(`(?<!\\w)${span.replaceAll(/[.*+?^$|()[\]{}\\]/g, '\\$&')}(?!\\w)`).test(all) ||
      globSync(span, { cwd: root }).length > 0
      ? []
      : [`nothing is called ${span}`]
  })
}
