/** `seer results`: what the agents' code recorded in one run or several, as one file for pandas, R or a spreadsheet. */
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'
import { safeWriter, type Output } from '../harness/safe-writer.ts'
import { plural } from '../amounts.ts'
import { resolveRun } from '../run/paths.ts'
import { csvLine } from './csv.ts'
import { parquetFile } from './parquet.ts'
import { readRows, type Row } from './result-rows.ts'

export interface ResultsOptions {
  readonly format: 'csv' | 'jsonl' | 'parquet'
  readonly table?: string
  readonly outputDir: string
}

export async function resultsCommand(
  runs: readonly string[],
  { format, table, outputDir }: ResultsOptions,
  out: Output = process.stdout,
  say: (text: string) => void = (text) => void process.stderr.write(`${text}\n`),
): Promise<void> {
  const folders = [...new Set(runs.map((run) => resolveRun(run, outputDir)))]
  const read = []
  for (const folder of folders) read.push({ folder, ...(await readRows(folder, table)) })
  const rows = read.flatMap((run) => run.rows)
  const tables = [...new Set(read.flatMap((run) => run.tables))]
  if (table !== undefined && !tables.includes(table)) {
    throw new SeerError('unknown-table', {
      message: `No table "${table}" was recorded${didYouMean(table, tables)}`,
      hint: tables.length > 0 ? `The tables are: ${tables.join(', ')}.` : 'Nothing was recorded at all.',
    })
  }
  if (format === 'parquet' && out.isTTY) {
    throw new SeerError('invalid-options', {
      message: 'A Parquet file is not for a terminal.',
      hint: 'Send it to a file: … --format parquet > rows.parquet',
    })
  }
  const write = safeWriter(out)
  if (format === 'jsonl') for (const row of rows) write(`${JSON.stringify(row)}\n`)
  else if (format === 'csv') for (const line of csvLines(rows)) write(line)
  else write(parquetFile(namesOf(rows), rows))
  await write.drained()
  // On stderr, so that it is read and does not end up in the file.
  if (rows.length === 0) say('seer: no rows: the code of these runs recorded none.')
  const recorded = read.filter((run) => run.recorded).length
  if (recorded > 0)
    say(`seer: ${recorded} of ${read.length} played a recording (_recorded): not what an agent would do now.`)
  if (table === undefined && tables.length > 1)
    say(`seer: ${tables.length} tables in one file (_table): ${tables.join(', ')}.`)
  for (const { folder, problems } of read)
    if (problems > 0) say(`seer: the log of ${folder} is damaged in ${plural(problems, 'place')}: rows may be missing.`)
}

function* csvLines(rows: readonly Row[]): Generator<string> {
  const names = namesOf(rows)
  yield csvLine(names)
  for (const row of rows) yield csvLine(names.map((name) => (Object.hasOwn(row, name) ? row[name] : undefined)))
}

/** Seer's columns first, then those of the rows in the order of their coming. Rows of other shapes leave fields empty. */
function namesOf(rows: readonly Row[]): string[] {
  const columns = new Set<string>()
  for (const row of rows) for (const name of Object.keys(row)) columns.add(name)
  const own = ['_run', '_experiment', '_profile', '_params', '_provider', '_recorded', '_table', '_seq', '_cell']
  return [...own, ...[...columns].filter((name) => !own.includes(name))]
}
