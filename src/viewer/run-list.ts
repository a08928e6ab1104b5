/**
 * The list of runs. One that has ended is told from its run.json; of any other the log is folded, and at the next look only what
 * came since is read.
 */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { RunLine } from '../page/wire.ts'
import { summaryFold, type Summary } from '../run/fold-summary.ts'
import { readLock } from '../run/lock.ts'
import { readLog } from '../run/log-reader.ts'
import { runIds } from './find-run.ts'
import { runQuestion } from './run-question.ts'

const counts = summaryFold.initial().cells
/** Of run.json and of the fold alike. */
const factsSchema = z.object({
  experiment: z.string().nullable(),
  status: z.enum(['running', 'completed', 'failed', 'interrupted', 'crashed']),
  startedAt: z.string().nullable(),
  durationMs: z.number(),
  costUsd: z.number().nullable(),
  budgetUsd: z.number().nullable().default(null),
  recorded: z.array(z.unknown()),
  confinement: z.string().nullable(),
  findings: z.int(),
  cells: z.object(Object.fromEntries(Object.keys(counts).map((key) => [key, z.int().default(0)]))),
})
type Facts = z.infer<typeof factsSchema>

/** What was read of a run before. */
interface Known {
  /** Of run.json. */
  stamp?: string
  facts?: Facts
  /** Of the log. */
  inode?: number
  offset: number
  lastSeq: number
  summary: Summary
  question: string | null
}

export interface RunList {
  /** Living runs first, then the newest. Two that ask at once share one look. */
  read(): Promise<RunLine[]>
}

export function openRunList(outputDir: string): RunList {
  const known = new Map<string, Known>()
  let reading: Promise<RunLine[]> | undefined

  async function look(): Promise<RunLine[]> {
    const ids = await runIds(outputDir)
    for (const id of known.keys()) if (!ids.includes(id)) known.delete(id)
    const lines: RunLine[] = []
    for (const id of ids) {
      const line = await readLine(join(outputDir, id), id).catch(() => brokenLine(id))
      if (line) lines.push(line)
    }
    const key = ({ live, startedAt, id }: RunLine) => `${live ? 1 : 0} ${startedAt ?? ''} ${id}`
    return lines.sort((a, b) => (key(a) < key(b) ? 1 : -1))
  }

  async function readLine(folder: string, id: string): Promise<RunLine | undefined> {
    const run = known.get(id) ?? { offset: 0, lastSeq: 0, summary: summaryFold.initial(), question: null }
    known.set(id, run)
    const ended = await endedFacts(folder, run)
    // Asked before the log is read: a writer that has gone has written everything.
    const live = ended === undefined && readLock(folder)?.alive === true
    const facts = ended ?? (await foldedFacts(folder, run))
    if (facts === undefined) return undefined
    if (facts.startedAt === null && !live) return brokenLine(id)
    const { recorded, status, cells, ...rest } = facts
    return {
      id,
      ...rest,
      live: live && status === 'running',
      status: status === 'running' && !live ? 'crashed' : status,
      // It goes on also while nothing is logged.
      durationMs: live && rest.startedAt !== null ? Date.now() - Date.parse(rest.startedAt) : rest.durationMs,
      recorded: recorded.length > 0,
      cells: { ...counts, ...cells },
      question: (run.question ??= await runQuestion(folder)),
    }
  }

  return {
    read: () => (reading ??= look().finally(() => (reading = undefined))),
  }
}

async function endedFacts(folder: string, run: Known): Promise<Facts | undefined> {
  const path = join(folder, 'run.json')
  const found = await stat(path).catch(() => undefined)
  const stamp = found && `${found.ino} ${found.size} ${found.mtimeMs}`
  if (stamp === undefined || stamp !== run.stamp) {
    const parsed = factsSchema.safeParse(await readJson(path))
    if (stamp === undefined || !parsed.success || parsed.data.status === 'running') return undefined
    Object.assign(run, { stamp, facts: parsed.data })
  }
  return run.facts
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** Undefined when the log is gone. */
async function foldedFacts(folder: string, run: Known): Promise<Facts | undefined> {
  const path = join(folder, 'events.jsonl')
  const found = await stat(path).catch(() => undefined)
  if (!found) return undefined
  const isAnother = found.ino !== run.inode || found.size < run.offset
  if (isAnother) Object.assign(run, { inode: found.ino, offset: 0, lastSeq: 0, summary: summaryFold.initial() })
  for await (const line of readLog(path, { from: run.offset, lastSeq: run.lastSeq })) {
    run.offset = line.end
    if (line.kind === 'problem') run.lastSeq += line.problem.kind === 'invalid' ? 1 : 0
    else {
      run.lastSeq = line.event.seq
      run.summary = summaryFold.step(run.summary, line.event)
    }
  }
  return factsSchema.parse(run.summary)
}

function brokenLine(id: string): RunLine {
  return {
    id,
    experiment: null,
    status: 'broken',
    live: false,
    startedAt: null,
    durationMs: 0,
    costUsd: null,
    budgetUsd: null,
    recorded: false,
    confinement: null,
    findings: 0,
    cells: { ...counts },
    question: null,
  }
}
