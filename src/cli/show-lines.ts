/** What stands before and after the story in `seer show`. */
import { existsSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { computeText, driftTable } from '../harness/story/drift-table.ts'
import { recordedText } from '../harness/story/agent-story.ts'
import { duration, plural, size } from '../amounts.ts'
import { artifactPath } from '../harness/story/display-text.ts'
import { findingBox } from '../harness/story/finding-box.ts'
import { showCommand, withHint } from '../harness/story/hint.ts'
import { behind, inline, linesOf, type Look } from '../harness/story/look.ts'
import { errorRows, NOT_CONFINED } from '../harness/story/run-story.ts'
import { widthOf } from '../harness/story/columns.ts'
import { count } from '../notebook/output-text.ts'
import type { Subject } from '../run/subject.ts'
import { seerCommand } from '../seer-command.ts'
import { neutralise, stripAnsi } from '../notebook/terminal-text.ts'
import type { RunFacts } from './run-facts.ts'
import type { ShownStatus } from './run-status.ts'
import { callsText, cellsText, costText, filesIn } from './summary.ts'
import { heading } from './terminal.ts'
import { shortPath } from './short-path.ts'

const LABEL = 13
const MAX_ARTIFACTS = 50

export function headerLines(look: Look, facts: RunFacts): string[] {
  const { summary, status, folder } = facts
  const { colors } = look
  const { usage } = summary
  const rows: [string, string][] = [
    [
      'experiment',
      `${summary.experiment ?? 'unknown'}${summary.profile === null ? '' : `, profile ${summary.profile}`}`,
    ],
    ...Object.entries(facts.params).map(([key, value], index): [string, string] => [
      index === 0 ? 'params' : '',
      `${key} = ${typeof value === 'string' ? value : JSON.stringify(value)}`,
    ]),
    ...agentRows(facts),
    ...summary.subjects.map((subject): [string, string] => [
      'model',
      [subject, ...(subject.base ? [subject.base] : [])].map(weightsText).join(', on '),
    ]),
    ...givenRows('libraries', summary.libraries),
    ...givenRows('skills', summary.skills),
    ...givenRows('served', summary.interfaces),
    ['sandbox', `${summary.backend ?? 'none'}, ${summary.confinement === 'none' ? NOT_CONFINED : summary.confinement}`],
    ...(summary.compute ? [['computed on', computeText(summary.compute)] as [string, string]] : []),
    ['time', timeText(facts)],
    ['cells', cellsText(summary)],
    ...(summary.calls.made > 0 ? [['calls', callsText(summary)] as [string, string]] : []),
    ...(usage.outputTokens > 0
      ? [
          [
            'tokens',
            `${count(usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens)} sent, ${count(usage.outputTokens)} received`,
          ] as [string, string],
          ['cost', costText(summary)] as [string, string],
        ]
      : []),
  ]
  const title = `${colors.bold(inline(summary.run ?? basename(folder), 100))}  ${paintStatus(look, status)}`
  return [
    title,
    ...problemNote(look, facts),
    ...rows.flatMap(([label, value]) => labelled(look, label, value)),
    ...statusNote(look, facts),
  ]
}

function givenRows(label: string, given: readonly { readonly name: string }[]): [string, string][] {
  return given.length === 0 ? [] : [[label, given.map(({ name }) => name).join(', ')]]
}

export function endLines(look: Look, facts: RunFacts): string[] {
  const { summary, findings, drift, tables, saved, problems, folder } = facts
  const { colors } = look
  const section = (name: string, lines: string[]) => (lines.length > 0 ? [...heading(look, name), ...lines] : [])
  const files = ['report.html', 'notebook.ipynb', 'events.jsonl', 'results', 'artifacts', 'source'].filter((name) => {
    const path = join(folder, name)
    return extname(name) === '' ? filesIn(path) > 0 : existsSync(path)
  })
  return [
    ...section(
      'findings',
      findings.flatMap(({ finding, by, counted }, index) => [
        ...(index > 0 ? [''] : []),
        ...(counted ? [] : [colors.yellow('submitted later, not counted:')]),
        ...findingBox(look, finding, by),
      ]),
    ),
    ...(drift ? ['', ...driftTable(look, drift)] : []),
    ...section('results', [
      ...aligned([
        ...tables.map(({ table, file, rows }) => [
          inline(table, 40),
          plural(rows, 'row'),
          colors.dim(`→ ${inline(file, 80)}`),
        ]),
        ...saved.map(({ name, file, kind, bytes }) => [
          inline(name, 40),
          `${inline(kind, 20)}, ${size(bytes)}`,
          colors.dim(`→ ${inline(file, 80)}`),
        ]),
        ...summary.artifacts
          .slice(0, MAX_ARTIFACTS)
          .map(({ name, bytes, sha256 }) => [inline(name, 40), size(bytes), colors.dim(`→ ${artifactPath(sha256)}`)]),
      ]),
      ...(summary.artifacts.length > MAX_ARTIFACTS ? [`… ${summary.artifacts.length - MAX_ARTIFACTS} more`] : []),
    ]),
    ...section(
      'problems',
      problems.flatMap((problem) => behind(look, `${colors.yellow('!')} `, linesOf(problem), { fold: 'words' })),
    ),
    ...section('files', [
      `in ${neutralise(shortPath(folder))}`,
      `  ${files.join('  ')}`,
      ...withHint(look, '  ', 'do they agree?', checkCommand(facts)).map(colors.dim),
    ]),
  ]
}

export function paintStatus({ colors }: Look, status: ShownStatus): string {
  if (status === 'completed') return colors.green(status)
  return status === 'running'
    ? colors.cyan(status)
    : status === 'interrupted'
      ? colors.yellow(status)
      : colors.red(status)
}

/** Columns as wide as their widest; the last one as it is. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widthAt = (column: number) => Math.max(...rows.map((row) => widthOf(stripAnsi(row[column] ?? ''))))
  return rows.map((row) =>
    row
      .map((text, column) =>
        column === row.length - 1 ? text : text + ' '.repeat(widthAt(column) - widthOf(stripAnsi(text))),
      )
      .join('  ')
      .trimEnd(),
  )
}

function agentRows({ summary }: RunFacts): [string, string][] {
  if (summary.recorded.length > 0) return summary.recorded.map((recorded) => ['agent', recordedText(recorded)])
  const agents = summary.agents.map(({ name, provider, model }): [string, string] => [
    'agent',
    `${name.replace('agent:', '')}: ${model} (${provider})`,
  ])
  return agents.length > 0 ? agents : [['agent', summary.provider ?? 'none']]
}

/** At the top, since the story may be long. */
function problemNote(look: Look, facts: RunFacts): string[] {
  const n = facts.problems.length
  if (n === 0) return []
  return withHint(look, '! ', `this log has ${plural(n, 'problem')}`, checkCommand(facts)).map(look.colors.yellow)
}

function checkCommand({ summary, folder }: RunFacts): string {
  return showCommand(summary.run ?? basename(folder), folder, ['--check'])
}

function statusNote(look: Look, { summary, status, folder, savedLater }: RunFacts): string[] {
  if (summary.error) return errorRows({ look }, summary.error)
  if (status === 'crashed' && summary.status === 'running') {
    const gc = seerCommand(['gc'], { outputDir: dirname(folder) })
    const text = 'Seer’s process ended without closing this run; to save what its sandbox still holds'
    return withHint(look, '! ', text, gc).map(look.colors.yellow)
  }
  if (savedLater !== null) {
    const saved = `${plural(savedLater, 'event')} ${savedLater === 1 ? 'was' : 'were'} saved later`
    const text = `Seer’s process was killed, or crashed, at ${at(summary.endedAt)} or soon after; ${saved}`
    return behind(look, `${look.colors.yellow('!')} `, [text], { fold: 'words', paint: look.colors.yellow })
  }
  return status === 'running' ? [look.colors.cyan('! it is still running; this is its log so far')] : []
}

function at(time: string | null): string {
  return time === null ? 'an unknown time' : time.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')
}

function timeText({ summary }: RunFacts): string {
  return `${at(summary.startedAt)}, ${duration(summary.durationMs)}${summary.endedAt === null ? ' until the last event' : ''}`
}

function labelled(look: Look, label: string, value: string): string[] {
  const blank = ' '.repeat(LABEL + 2)
  const [first = blank, ...more] = behind(look, blank, linesOf(value), { fold: 'words', maxRows: 6 })
  return [`  ${look.colors.dim(label.padEnd(LABEL))}${first.slice(blank.length)}`, ...more]
}

function weightsText({ name, quantisation, weightsSha256, revision }: Omit<Subject, 'base'>): string {
  const at = revision === undefined ? '' : ` at ${revision.slice(0, 12)}`
  return `${name}${at}, ${quantisation}, weights ${weightsSha256.slice(0, 12)}…`
}
