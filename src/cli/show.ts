/** `seer show`: a run told from its log, whether it has ended or not; the output of one cell; the check of its folder. */
import { basename, join, resolve } from 'node:path'
import { plural } from '../amounts.ts'
import { openStory } from '../harness/story/state.ts'
import { storyLines } from '../harness/story/story.ts'
import type { Output } from '../harness/safe-writer.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { openArtifacts } from '../run/artifacts.ts'
import { checkRun } from '../run/check.ts'
import { readLog } from '../run/log-reader.ts'
import { readRunFacts, type RunFacts } from './run-facts.ts'
import { endLines, headerLines } from './show-lines.ts'
import { printCellOutput } from './show-output.ts'
import { printCellSource, printPrompts } from './show-source.ts'
import { countsOf } from './summary.ts'
import { heading, openTerminal, type Terminal } from './terminal.ts'

export interface ShowFlags {
  readonly json?: boolean
  readonly check?: boolean
  /** Prints the whole text output of this cell, and nothing else. */
  readonly output?: string
  /** Prints the whole code or text of this cell, and nothing else. */
  readonly cell?: string
  /** Prints what the agents were told at their start. */
  readonly prompt?: boolean
}

export interface ShowOptions extends ShowFlags {
  /** An interpreter with nbformat, for the check. */
  readonly python?: string
  readonly out?: Output
  readonly color?: boolean
}

/** Returns the exit code: 1 when a check found problems. */
export async function showRun(runFolder: string, options: ShowOptions = {}): Promise<number> {
  const { json = false, check = false, output, cell, prompt = false, python, out, color } = options
  const folder = resolve(runFolder)
  const terminal = openTerminal(out, color === undefined ? {} : { color })
  if (output !== undefined) return printCellOutput(terminal, folder, output, json)
  if (cell !== undefined) return printCellSource(terminal, folder, cell, json)
  if (prompt) return printPrompts(terminal, folder, json)
  const facts = await readRunFacts(folder)
  if (check) return printCheck(terminal, facts, json, python)
  if (json) {
    const { summary, ...rest } = facts
    const { open: _, ...plain } = summary
    terminal.printLine({ run: nameOf(facts), ...rest, summary: plain, paths: pathsOf(folder) })
    terminal.printLine(lastLine(facts))
    return 0
  }
  terminal.print(headerLines(terminal.look, facts))
  terminal.print(heading(terminal.look, 'what happened'))
  await tellStory(terminal, facts)
  terminal.print(endLines(terminal.look, facts))
  return 0
}

async function tellStory(terminal: Terminal, { folder, summary }: RunFacts): Promise<void> {
  const artifacts = openArtifacts(join(folder, 'artifacts'))
  const story = openStory(terminal.look, {
    framed: true,
    folder,
    readBlob: (sha256, range) => artifacts.read(sha256, range),
    ...(summary.error ? { error: summary.error.message } : {}),
  })
  for await (const line of readLog(join(folder, 'events.jsonl'))) {
    if (terminal.closed) return
    if (line.kind !== 'problem') terminal.print(storyLines(story, line.event))
    await terminal.drained()
  }
}

async function printCheck(
  terminal: Terminal,
  facts: RunFacts,
  json: boolean,
  python: string | undefined,
): Promise<number> {
  const { colors } = terminal.look
  const result = await checkRun(facts.folder, python === undefined ? {} : { python })
  const { events, cells, artifacts, results } = result.counts
  if (json) {
    terminal.printLine({ run: nameOf(facts), folder: facts.folder, check: result })
    terminal.printLine({ ...lastLine(facts), problems: result.problems.length })
  } else {
    terminal.print(
      result.problems.map(({ where, what }) => `${colors.red('problem')}  ${neutralise(`${where}: ${what}`)}`),
    )
    const verdict = result.ok
      ? colors.green('log, notebook, results and artifacts agree with each other')
      : colors.red(plural(result.problems.length, 'problem'))
    const counts = [
      plural(events, 'event'),
      plural(cells, 'cell'),
      plural(artifacts, 'artifact'),
      plural(results, 'row of results', 'rows of results'),
    ]
    const proof = result.ok ? ['  (this does not prove that nobody edited them together)'] : []
    terminal.print([neutralise(basename(facts.folder)), `  ${verdict}`, ...proof])
    terminal.say(`  ${counts.join(', ')}; nbformat: ${result.nbformat}`)
  }
  return result.ok ? 0 : 1
}

function lastLine(facts: RunFacts) {
  const { summary, folder, status, problems } = facts
  return { run: nameOf(facts), folder, status, ...countsOf(summary), error: summary.error, problems: problems.length }
}

function nameOf({ summary, folder }: RunFacts): string {
  return summary.run ?? basename(folder)
}

function pathsOf(folder: string) {
  return Object.fromEntries(
    ['events.jsonl', 'notebook.ipynb', 'run.json', 'results', 'artifacts', 'source'].map((name) => [
      name,
      join(folder, name),
    ]),
  )
}
