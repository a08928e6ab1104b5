/** `seer list`: the runs of a folder, newest first. A run that has ended is told from its run.json, without reading its log. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Output } from '../harness/safe-writer.ts'
import { duration, plural } from '../harness/story/amounts.ts'
import { inline, type Look } from '../harness/story/look.ts'
import { summaryFold } from '../run/fold-summary.ts'
import { readLog } from '../run/log-reader.ts'
import { lastClaim } from './last-claim.ts'
import { runStatus, type ShownStatus } from './run-status.ts'
import { shortPath } from './short-path.ts'
import { aligned, paintStatus } from './show-lines.ts'
import { openTerminal } from './terminal.ts'

export interface ListedRun {
  readonly run: string
  readonly folder: string
  readonly status: ShownStatus
  readonly experiment: string | null
  readonly profile: string | null
  readonly provider: string | null
  /** Its words are a recording. */
  readonly recorded: boolean
  readonly startedAt: string | null
  readonly durationMs: number | null
  readonly cells: number
  readonly errors: number
  readonly findings: number
  readonly claim: string | null
  /** Why it is listed as broken. */
  readonly problem: string | null
}

/** Of run.json and of the fold alike. */
const factsSchema = z.object({
  experiment: z.string().nullable(),
  profile: z.string().nullable(),
  provider: z.string().nullable(),
  status: z.enum(['running', 'completed', 'failed', 'interrupted', 'crashed']),
  startedAt: z.string().nullable(),
  durationMs: z.number(),
  cells: z.object({ started: z.int(), failed: z.int() }),
  findings: z.int(),
  recorded: z.array(z.unknown()),
})

export async function listRuns(
  outputDir: string,
  options: { json?: boolean; out?: Output; color?: boolean } = {},
): Promise<number> {
  const { out, color } = options
  const terminal = openTerminal(out, color === undefined ? {} : { color })
  const runs = await readRuns(outputDir)
  if (options.json) {
    // One line each: every one has run, folder, status and counts.
    for (const run of runs) terminal.printLine(run)
    return 0
  }
  if (runs.length === 0)
    terminal.say(`There are no runs in ${shortPath(outputDir)}. To make one: seer run sandbox-intro`)
  else terminal.print(listLines(terminal.look, runs))
  return 0
}

/** Newest first; those of which nobody can tell when they began stand last. */
export async function readRuns(outputDir: string): Promise<ListedRun[]> {
  const runs: ListedRun[] = []
  for (const name of runNames(outputDir)) runs.push(await readRun(name, join(outputDir, name)))
  const key = ({ startedAt, run }: ListedRun) => `${startedAt ?? ''} ${run}`
  return runs.sort((a, b) => (key(a) < key(b) ? 1 : -1))
}

function runNames(outputDir: string): string[] {
  let names: string[]
  try {
    names = readdirSync(outputDir, { withFileTypes: true }).flatMap((entry) => (entry.isFile() ? [] : [entry.name]))
  } catch {
    return []
  }
  const marks = ['events.jsonl', 'run.json', 'notebook.ipynb']
  return names.filter((name) => marks.some((mark) => existsSync(join(outputDir, name, mark))))
}

async function readRun(run: string, folder: string): Promise<ListedRun> {
  try {
    const facts = endedFacts(folder) ?? (await foldFacts(folder))
    const { cells, recorded, status, ...rest } = facts
    const claim = rest.findings > 0 ? lastClaim(folder) : null
    return {
      run,
      folder,
      ...rest,
      status: runStatus(folder, status),
      recorded: recorded.length > 0,
      cells: cells.started,
      errors: cells.failed,
      claim,
      problem: null,
    }
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    const nothing = {
      experiment: null,
      profile: null,
      provider: null,
      recorded: false,
      startedAt: null,
      durationMs: null,
      claim: null,
    }
    return { run, folder, status: 'broken', ...nothing, cells: 0, errors: 0, findings: 0, problem }
  }
}

function endedFacts(folder: string): z.infer<typeof factsSchema> | undefined {
  if (!existsSync(join(folder, 'events.jsonl'))) return undefined
  try {
    const facts = factsSchema.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')))
    return facts.status === 'running' ? undefined : facts
  } catch {
    return undefined
  }
}

async function foldFacts(folder: string): Promise<z.infer<typeof factsSchema>> {
  let summary = summaryFold.initial()
  for await (const line of readLog(join(folder, 'events.jsonl')))
    if (line.kind !== 'problem') summary = summaryFold.step(summary, line.event)
  if (summary.startedAt === null) throw new Error('its log has no start')
  return summary
}

export function listLines(look: Look, runs: readonly ListedRun[]): string[] {
  const { colors } = look
  const rows = runs.map((run) => [
    inline(run.run, 60),
    paintStatus(look, run.status),
    run.recorded ? colors.yellow('recorded') : inline(run.provider ?? '', 12),
    run.status === 'broken'
      ? ''
      : `${plural(run.cells, 'cell')}${run.errors > 0 ? `, ${plural(run.errors, 'error')}` : ''}`,
    run.durationMs === null ? '' : duration(run.durationMs),
  ])
  const lines = aligned(rows)
  return runs.flatMap((run, index) => {
    const line = lines[index]!
    const said = run.problem ?? run.claim
    if (said === null) return [line]
    return [line, `    ${colors.dim(run.problem === null ? 'claim:' : 'broken:')} ${inline(said, look.width - 12)}`]
  })
}
