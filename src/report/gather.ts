/** Everything that a report says of a run, read from the run's folder in one pass, whatever is wrong with it. */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ReportFile, ReportInput, StoryItem } from '../page/report/report-input.ts'
import { runFold, type RunState } from '../page/run-state.ts'
import { size } from '../notebook/notebook-outputs.ts'
import { safeCut } from '../notebook/terminal-text.ts'
import { openArtifacts } from '../run/artifacts.ts'
import type { EventOf, RunEvent } from '../run/events.ts'
import { cellKey } from '../run/fold-cells.ts'
import { readLock } from '../run/lock.ts'
import { readLog } from '../run/log-reader.ts'
import { SEER_VERSION } from '../run/version.ts'
import { boundCall, boundCell, boundFunctionCall, openTexts, type Room } from './bound-cells.ts'
import { openPictures, type Pictures } from './pictures.ts'
import { reportTables, tablesFold } from './tables.ts'

const MAX_PROBLEMS = 50
const MAX_FILES = 500
const MAX_WORDS = 200_000

export interface GatherOptions {
  readonly now?: Date
  readonly maxPictureBytes?: number
  readonly maxTextChars?: number
}

export async function gatherReport(folder: string, options: GatherOptions = {}): Promise<ReportInput> {
  const log = await readWhole(join(folder, 'events.jsonl'))
  const { summary, findings } = log.state
  const artifacts = openArtifacts(join(folder, 'artifacts'))
  const readBlob: Room['readBlob'] = (sha256, range) => artifacts.read(sha256, range)
  const pictures = openPictures(readBlob, options.maxPictureBytes)
  const room: Room = { pictures, texts: openTexts(options.maxTextChars), readBlob }
  const evidence = boundEvidence(log, room)
  const files = filesOf(log.saved, pictures)
  const story = storyOf(log.state, evidence, room)
  const sessions = new Map(
    log.state.timeline.entries.flatMap((e) => (e.kind === 'finding' ? [[e.index, e.session]] : [])),
  )
  const { open: _, ...facts } = summary
  return {
    run: basename(folder),
    status: summary.status === 'running' && readLock(folder)?.alive !== true ? 'crashed' : summary.status,
    summary: facts,
    writtenAt: (options.now ?? new Date()).toISOString(),
    writtenBy: SEER_VERSION,
    question: await questionOf(folder, log.prompts),
    prompts: log.prompts,
    findings: findings.findings.map((finding, index) => ({ ...finding, session: sessions.get(index) ?? null })),
    drift: log.drift,
    notices: log.notices,
    tables: reportTables(log.tables),
    files,
    story,
    images: Object.fromEntries(pictures.urls),
    leftOut: leftOutWords(room, log),
    problems: log.problems,
  }
}

interface Whole {
  state: RunState
  tables: ReturnType<typeof tablesFold.initial>
  prompts: ReportInput['prompts'][number][]
  notices: ReportInput['notices'][number][]
  drift: ReportInput['drift']
  saved: (EventOf<'artifact-save'> | EventOf<'result-save'>)[]
  problems: string[]
}

async function readWhole(path: string): Promise<Whole> {
  const whole: Whole = {
    state: runFold.initial(),
    tables: tablesFold.initial(),
    prompts: [],
    notices: [],
    drift: null,
    saved: [],
    problems: [],
  }
  const unknown = new Map<string, number>()
  let moreProblems = 0
  for await (const line of readLog(path)) {
    if (line.kind === 'problem') {
      const { at, kind, why } = line.problem
      if (whole.problems.length < MAX_PROBLEMS) whole.problems.push(`events.jsonl, byte ${at}: ${kind} (${why})`)
      else moreProblems += 1
      continue
    }
    whole.state = runFold.step(whole.state, line.event)
    whole.tables = tablesFold.step(whole.tables, line.event)
    if (line.kind === 'event') take(whole, line.event)
    else unknown.set(line.event.type, (unknown.get(line.event.type) ?? 0) + 1)
  }
  if (moreProblems > 0) whole.problems.push(`${moreProblems} more`)
  for (const [type, n] of [...unknown].slice(0, MAX_PROBLEMS))
    whole.problems.push(`${n} × an event of the type "${type.slice(0, 100)}", which this version of Seer does not know`)
  if (whole.state.summary.startedAt === null) whole.problems.push('events.jsonl has no run-start: its start is lost')
  return whole
}

function take(whole: Whole, event: RunEvent): void {
  if (event.type === 'agent-start') whole.prompts.push({ by: event.by, prompt: cut(event.prompt) })
  else if (event.type === 'notice-add') {
    const { level, code, text, at } = event
    if (whole.notices.length < 200) whole.notices.push({ level, code, text: cut(text), at })
  } else if (event.type === 'drift-report') whole.drift = event
  else if (event.type === 'artifact-save' || event.type === 'result-save') whole.saved.push(event)
}

/** The cells on which a finding rests are given room before all others. */
function boundEvidence({ state }: Whole, room: Room): Map<string, StoryItem> {
  const bound = new Map<string, StoryItem>()
  for (const entry of state.timeline.entries) {
    if (entry.kind !== 'finding') continue
    for (const cell of state.findings.findings[entry.index]?.finding.cells ?? []) {
      const key = cellKey({ session: entry.session ?? undefined, cell })
      const found = Object.hasOwn(state.cells.cells, key) ? state.cells.cells[key] : undefined
      if (found && !bound.has(key)) bound.set(key, { kind: 'cell', seq: 0, cell: boundCell(found, room) })
    }
  }
  return bound
}

function storyOf(state: RunState, evidence: Map<string, StoryItem>, room: Room): StoryItem[] {
  return state.timeline.entries.flatMap((entry): StoryItem[] => {
    if (entry.kind === 'words')
      return [{ ...entry, text: cut(entry.text), thinking: entry.thinking && cut(entry.thinking) }]
    if (entry.kind === 'call') {
      const call = state.tools.calls[entry.key]
      return call ? [{ kind: 'call', seq: entry.seq, call: boundCall(call, room) }] : []
    }
    if (entry.kind === 'function-call') {
      const call = state.calls.calls[entry.key]
      return call ? [{ kind: 'function-call', seq: entry.seq, call: boundFunctionCall(call, room) }] : []
    }
    if (entry.kind !== 'cell') return [entry]
    const cell = state.cells.cells[entry.key]
    if (!cell) return []
    return [evidence.get(entry.key) ?? { kind: 'cell', seq: entry.seq, cell: boundCell(cell, room) }]
  })
}

function filesOf(saved: Whole['saved'], pictures: Pictures): ReportFile[] {
  return saved.slice(0, MAX_FILES).map((event) => {
    const { name, sha256, bytes } = event
    const path = event.type === 'result-save' ? `results/${event.file}` : `artifacts/${sha256}`
    const kind = event.type === 'result-save' ? event.kind : event.mediaType
    const isPicture = /^image\/|^(png|svg|figure)$/.test(kind) || /\.(png|jpe?g|gif|webp|svg)$/i.test(name)
    return { name, kind, bytes, path, image: (isPicture && pictures.url(sha256, bytes)) || null }
  })
}

/** The task as the agent was given it; without a task, the prompt. */
async function questionOf(folder: string, prompts: Whole['prompts']): Promise<string | null> {
  const task = await readFile(join(folder, 'source', 'task.rendered.md'), 'utf8').catch(() => null)
  return task === null ? (prompts[0]?.prompt ?? null) : cut(task)
}

function leftOutWords({ pictures, texts }: Room, { saved, tables }: Whole): string[] {
  const { count, bytes } = pictures.leftOut
  const files = saved.length - MAX_FILES
  return [
    ...(count > 0 ? [`${count} ${count === 1 ? 'picture' : 'pictures'} (${size(bytes)})`] : []),
    ...(texts.leftOut > 0 ? [`${size(texts.leftOut)} of text that cells put out`] : []),
    ...(files > 0 ? [`${files} saved files`] : []),
    ...(tables.more > 0 ? [`${tables.more} rows of further tables`] : []),
  ]
}

function cut(text: string): string {
  return text.length <= MAX_WORDS
    ? text
    : `${text.slice(0, safeCut(text, MAX_WORDS))}\n[… cut here; all of it is in events.jsonl …]`
}
