/** What a run's log says besides its story: read in one pass, in bounded memory, whatever is wrong with the log. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { plural } from '../amounts.ts'
import { blobsOf } from '../notebook/nbformat.ts'
import { openArtifacts } from '../run/artifacts.ts'
import type { EventOf, RunEvent } from '../run/events.ts'
import { findingsFold, type SubmittedFinding } from '../run/fold-findings.ts'
import { summaryFold, type Summary } from '../run/fold-summary.ts'
import type { AnyEvent } from '../run/fold.ts'
import { isRecovery } from '../run/lifetime.ts'
import { readLog } from '../run/log-reader.ts'
import { tableFile } from '../run/results.ts'
import { runStatus, type ShownStatus } from './run-status.ts'

export interface RunFacts {
  readonly folder: string
  readonly status: ShownStatus
  readonly summary: Summary
  readonly params: EventOf<'run-start'>['params']
  readonly findings: readonly SubmittedFinding[]
  readonly drift: EventOf<'drift-report'> | null
  readonly tables: { table: string; file: string; rows: number }[]
  readonly saved: { name: string; file: string; kind: string; bytes: number }[]
  /** Events that a recovery read from the sandbox after the run had crashed; null: there was none. */
  readonly savedLater: number | null
  readonly problems: string[]
}

const MAX_PROBLEMS = 50

export async function readRunFacts(folder: string): Promise<RunFacts> {
  const artifacts = openArtifacts(join(folder, 'artifacts'))
  const tables = new Map<string, number>()
  const saved = new Map<string, EventOf<'result-save'>>()
  const unknown = new Map<string, number>()
  const missing = new Map<string, number>()
  const seen = new Set<string>()
  const problems: string[] = []
  let leftOut = 0
  const report = (problem: string) =>
    problems.length < MAX_PROBLEMS ? void problems.push(problem) : void (leftOut += 1)
  let summary = summaryFold.initial()
  let findings = findingsFold.initial()
  let params: RunFacts['params'] = {}
  let drift: RunFacts['drift'] = null
  let savedLater: number | null = null

  for await (const line of readLog(join(folder, 'events.jsonl'))) {
    if (line.kind === 'problem') {
      report(`events.jsonl, byte ${line.problem.at}: ${line.problem.kind} (${line.problem.why})`)
      continue
    }
    const event: AnyEvent = line.event
    summary = summaryFold.step(summary, event)
    findings = findingsFold.step(findings, event)
    if (isRecovery(event)) savedLater ??= 0
    else if (savedLater !== null && event.type !== 'run-end') savedLater += 1
    if (line.kind === 'unknown') {
      unknown.set(event.type, (unknown.get(event.type) ?? 0) + 1)
      continue
    }
    const known = line.event
    if (known.type === 'run-start') ({ params } = known)
    else if (known.type === 'drift-report') drift = known
    else if (known.type === 'result-record') tables.set(known.table, (tables.get(known.table) ?? 0) + 1)
    else if (known.type === 'result-save') saved.set(known.file, known)
    for (const sha256 of artifactsOf(known)) {
      if (seen.has(sha256)) continue
      seen.add(sha256)
      if (!artifacts.has(sha256)) missing.set(sha256, known.seq)
    }
  }
  for (const [sha256, seq] of missing) report(`artifacts/${sha256} is missing (event ${seq} refers to it)`)
  for (const file of saved.keys()) if (!existsSync(join(folder, 'results', file))) report(`results/${file} is missing`)
  for (const [type, n] of unknown)
    report(`${plural(n, 'event')} of the type "${type}", which this version of Seer does not know`)
  if (summary.startedAt === null)
    report('events.jsonl has no run-start: this is not the log of a run, or its start is lost')
  if (leftOut > 0) problems.push(`${leftOut} more`)
  return {
    folder,
    status: runStatus(folder, summary.status),
    summary,
    params,
    findings: findings.findings,
    drift,
    tables: [...tables].map(([table, rows]) => ({ table, file: `results/${tableFile(table)}`, rows })),
    saved: [...saved.values()].map(({ name, file, kind, bytes }) => ({ name, file: `results/${file}`, kind, bytes })),
    savedLater,
    problems,
  }
}

function artifactsOf(event: RunEvent): string[] {
  if (event.type === 'cell-output') return blobsOf(event.output).map(({ blob }) => blob)
  return event.type === 'artifact-save' ? [event.sha256] : []
}
