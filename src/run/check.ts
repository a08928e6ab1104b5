/** Does a run's folder agree with its log? Log, artifacts, notebook, results and run.json, each by itself and with each other. */
import { existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { describeError } from '../errors.ts'
import { inline } from '../notebook/inline.ts'
import { blobsOf, blobsOfWidget } from '../notebook/nbformat.ts'
import { fileProblem, openArtifacts, type Artifacts } from './artifacts.ts'
import { checkNbformat } from './check-nbformat.ts'
import type { EventOf, RunEvent } from './events.ts'
import { notebookFold, notebookOf, type NotebookState } from './fold-notebook.ts'
import { durationProblem, lifetimeFold, type Lifetime } from './lifetime.ts'
import { readLog } from './log-reader.ts'
import { runJson } from './run-json.ts'
import { resultRow, tableFile } from './results.ts'

export interface CheckResult {
  readonly ok: boolean
  readonly problems: CheckProblem[]
  readonly counts: { events: number; unknownEvents: number; cells: number; artifacts: number; results: number }
  /** Whether Python's nbformat found the notebook valid. */
  readonly nbformat: 'valid' | 'invalid' | 'not checked'
}

export interface CheckProblem {
  /** The file, with the line or cell where there is one. */
  readonly where: string
  readonly what: string
}

/** `python`: an interpreter that has nbformat; else the one that run.json names. */
export async function checkRun(folder: string, options: { python?: string } = {}): Promise<CheckResult> {
  const problems: CheckProblem[] = []
  const report = (where: string, what: string) => problems.push({ where, what })
  const log = await readWholeLog(folder, report)
  const artifacts = openArtifacts(join(folder, 'artifacts'))
  for (const [sha256, by] of log.artifacts) {
    const problem = artifacts.problem(sha256)
    if (problem !== undefined) report(`artifacts/${sha256}`, `${problem} (event ${by})`)
  }
  await checkNotebook(folder, log.state, artifacts, report)
  await checkResults(folder, log.rows, report)
  checkSaves(folder, log.saves, report)
  const runJson = checkRunJson(folder, log.state, report)
  const python = options.python ?? pythonOf(runJson)
  const nbformat = await checkNbformat(join(folder, 'notebook.ipynb'), python)
  if (nbformat.verdict === 'invalid') report('notebook.ipynb', `not valid: ${nbformat.detail}`)
  const { events, unknownEvents } = log
  const counts = {
    events,
    unknownEvents,
    cells: log.state.cells.order.length,
    artifacts: log.artifacts.size,
    results: log.rowCount,
  }
  return { ok: problems.length === 0, problems, counts, nbformat: nbformat.verdict }
}

type Report = (where: string, what: string) => void

interface WholeLog {
  state: NotebookState
  lifetime: Lifetime
  events: number
  unknownEvents: number
  rowCount: number
  /** By file name, as they must stand there. */
  rows: Map<string, string[]>
  /** By hash, the number of the first event that refers to it. */
  artifacts: Map<string, number>
  saves: EventOf<'result-save'>[]
}

async function readWholeLog(folder: string, report: Report): Promise<WholeLog> {
  const log: WholeLog = {
    state: notebookFold.initial(),
    lifetime: lifetimeFold.initial(),
    events: 0,
    unknownEvents: 0,
    rowCount: 0,
    rows: new Map(),
    artifacts: new Map(),
    saves: [],
  }
  try {
    for await (const line of readLog(join(folder, 'events.jsonl'))) {
      if (line.kind === 'problem') {
        report(`events.jsonl at byte ${line.problem.at}`, `${line.problem.kind}: ${line.problem.why}`)
        continue
      }
      log.events += 1
      log.state = notebookFold.step(log.state, line.event)
      log.lifetime = lifetimeFold.step(log.lifetime, line.event)
      if (line.kind === 'unknown') log.unknownEvents += 1
      else take(log, line.event)
    }
  } catch (error) {
    report('events.jsonl', describeError(error))
  }
  if (log.events === 0) report('events.jsonl', 'holds no event')
  const wrong = durationProblem(log.lifetime)
  if (wrong !== undefined) report('events.jsonl', wrong)
  return log
}

function take(log: WholeLog, event: RunEvent): void {
  for (const sha256 of referredTo(event)) if (!log.artifacts.has(sha256)) log.artifacts.set(sha256, event.seq)
  if (event.type === 'result-save') log.saves.push(event)
  if (event.type !== 'result-record') return
  const file = tableFile(event.table)
  const rows = log.rows.get(file) ?? []
  rows.push(resultRow(event))
  log.rows.set(file, rows)
  log.rowCount += 1
}

function referredTo(event: RunEvent): string[] {
  switch (event.type) {
    case 'cell-output':
      return blobsOf(event.output).map(({ blob }) => blob)
    case 'widget-update':
      return blobsOfWidget(event.widget).map(({ blob }) => blob)
    case 'artifact-save':
    case 'result-save':
      return [event.sha256]
    case 'tool-end':
      return event.content.flatMap((block) => (block.type === 'image' ? [block.sha256] : []))
    default:
      return []
  }
}

async function checkNotebook(
  folder: string,
  state: NotebookState,
  artifacts: Artifacts,
  report: Report,
): Promise<void> {
  let found: Record<string, unknown>
  try {
    found = JSON.parse(await readFile(join(folder, 'notebook.ipynb'), 'utf8')) as Record<string, unknown>
  } catch (error) {
    report('notebook.ipynb', describeError(error))
    return
  }
  const read = (sha256: string) => artifacts.read(sha256)
  const expected = JSON.parse(JSON.stringify(inline(notebookOf(state), read))) as Record<string, unknown>
  const expectedCells = expected['cells'] as { id: string }[]
  const foundCells = Array.isArray(found['cells']) ? (found['cells'] as { id?: unknown }[]) : []
  if (foundCells.length !== expectedCells.length) {
    report('notebook.ipynb', `has ${foundCells.length} cells; the log makes ${expectedCells.length}`)
  }
  for (const [index, cell] of expectedCells.entries()) {
    if (!isDeepStrictEqual(foundCells[index], cell))
      report(`notebook.ipynb, cell ${cell.id}`, 'is not what the log makes of it')
  }
  if (!isDeepStrictEqual(found['metadata'], expected['metadata']))
    report('notebook.ipynb', 'its metadata is not what the log makes of it')
}

async function checkResults(folder: string, rows: Map<string, string[]>, report: Report): Promise<void> {
  const results = join(folder, 'results')
  const present = existsSync(results) ? (await readdir(results)).filter((name) => name.endsWith('.jsonl')) : []
  for (const name of new Set([...present, ...rows.keys()])) {
    const expected = rows.get(name)
    if (!expected) report(`results/${name}`, 'no event of the log wrote it')
    else if (!present.includes(name)) report(`results/${name}`, `is missing; the log has ${expected.length} rows of it`)
    else if (readFileSync(join(results, name), 'utf8') !== expected.join(''))
      report(`results/${name}`, 'has other rows than the log')
  }
}

/** A later save under the same file name takes the place of the earlier one, which stays in artifacts/. */
function checkSaves(folder: string, saves: EventOf<'result-save'>[], report: Report): void {
  const last = new Map(saves.map((save) => [save.file, save]))
  for (const { file, sha256, seq } of last.values()) {
    // The log may have come from anywhere: no file beside results/ is opened for it.
    const problem = isFileName(file) ? fileProblem(join(folder, 'results', file), sha256) : 'is not the name of a file'
    if (problem !== undefined) report(`results/${file}`, `${problem} (event ${seq})`)
  }
}

function isFileName(name: string): boolean {
  return !/^\.{0,2}$|[/\\\0]/.test(name) && Buffer.byteLength(name) <= 255
}

function checkRunJson(folder: string, { summary }: NotebookState, report: Report): unknown {
  let found: unknown
  try {
    found = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))
  } catch (error) {
    report('run.json', describeError(error))
    return undefined
  }
  const said = typeof found === 'object' && found !== null ? (found as Record<string, unknown>) : {}
  const facts = JSON.parse(JSON.stringify(runJson(summary))) as Record<string, unknown>
  for (const [key, value] of Object.entries(facts)) {
    if (said[key] !== undefined && !isDeepStrictEqual(said[key], value)) {
      report('run.json', `says ${key} ${shown(said[key])}; the log says ${shown(value)}`)
    }
  }
  if (said['status'] === undefined) report('run.json', 'does not say the status')
  return found
}

function shown(value: unknown): string {
  const json = JSON.stringify(value)
  return json.length <= 200 ? json : `${json.slice(0, 200)}…`
}

const withPython = z.object({ environment: z.object({ python: z.string() }) })

function pythonOf(runJson: unknown): string | undefined {
  return withPython.safeParse(runJson).data?.environment.python
}
