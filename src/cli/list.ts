/** `seer list`: the runs of a folder, newest first. A run that has ended is told from its run.json, without reading its log. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import type { Output } from '../harness/safe-writer.ts'
import { plural, shortDuration } from '../amounts.ts'
import { widthOf } from '../harness/story/columns.ts'
import { inline, type Look } from '../harness/story/look.ts'
import { stripAnsi } from '../notebook/terminal-text.ts'
import { summaryFold } from '../run/fold-summary.ts'
import { readLog } from '../run/log-reader.ts'
import { seerCommand } from '../seer-command.ts'
import { lastClaim } from './last-claim.ts'
import { runStatus, type ShownStatus } from './run-status.ts'
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
  /** Why it failed. */
  readonly error: { readonly code: string; readonly message: string } | null
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
  error: z.object({ code: z.string(), message: z.string() }).nullable().default(null),
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
    terminal.say(
      `There are no runs in ${resolve(outputDir)}. To make one: ${seerCommand(['run', 'sandbox-intro'], { outputDir })}`,
    )
  else terminal.print(listLines(terminal.look, runs))
  return 0
}

/** Newest first; those of which nobody can tell when they began stand last. */
export async function readRuns(outputDir: string): Promise<ListedRun[]> {
  const runs: ListedRun[] = []
  for (const name of runNames(outputDir)) runs.push(await readRun(name, resolve(outputDir, name)))
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
    const shown = runStatus(folder, status)
    return {
      run,
      folder,
      ...rest,
      status: shown,
      // It goes on also while nothing is logged.
      durationMs:
        shown === 'running' && rest.startedAt !== null ? Date.now() - Date.parse(rest.startedAt) : rest.durationMs,
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
      error: null,
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
  return factsSchema.parse(summary)
}

function saidOf({ problem, error, claim, status }: ListedRun): [string, string][] {
  if (problem !== null) return [['broken', problem]]
  const failed: [string, string][] = error ? [[status, `${error.code}: ${error.message}`]] : []
  return claim === null ? failed : [...failed, ['claim', claim]]
}

export function listLines(look: Look, runs: readonly ListedRun[]): string[] {
  const { colors } = look
  const rows = runs.map((run) => [
    inline(run.run, 60),
    paintStatus(look, run.status),
    run.durationMs === null ? '' : `${run.status === 'running' ? 'for ' : ''}${shortDuration(run.durationMs)}`,
    run.recorded ? colors.yellow('recorded') : inline(run.provider ?? '', 12),
    run.status === 'broken'
      ? ''
      : `${plural(run.cells, 'cell')}${run.errors > 0 ? `, ${plural(run.errors, 'error')}` : ''}`,
  ])
  const whole = aligned(rows)
  // Where one row is too wide, every run has its name on a line of its own: nothing is cut.
  const fits = whole.every((line) => widthOf(stripAnsi(line)) <= look.width)
  const facts = fits ? whole : aligned(rows.map(([, ...row]) => row))
  return runs.flatMap((run, index) => {
    const name = fits ? [] : [rows[index]![0]!]
    return [
      ...name,
      `${fits ? '' : '  '}${facts[index]!}`,
      ...saidOf(run).map(([what, text]) => {
        const row = `    ${colors.dim(`${what}:`)} `
        return row + inline(text, look.width - widthOf(stripAnsi(row)))
      }),
    ]
  })
}
