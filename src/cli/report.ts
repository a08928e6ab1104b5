/** `seer report`: writes a run's report.html anew; and the report at the end of every run. */
import { basename, resolve } from 'node:path'
import { describeError } from '../errors.ts'
import { recoverRun } from '../kernel/recover.ts'
import { writeReport } from '../report/write-report.ts'
import { resolveRun } from '../run/paths.ts'
import { seerCommand } from '../seer-command.ts'
import { builtPage } from './built-page.ts'
import { recoverBefore } from './gc.ts'
import { jsonLine } from './json-line.ts'
import { shortPath } from './short-path.ts'

export interface ReportOptions {
  outputDir: string
  json?: boolean
}

export async function reportCommand(run: string, { outputDir, json = false }: ReportOptions): Promise<void> {
  const folder = resolve(resolveRun(run, outputDir))
  const toStderr = (text: string) => void process.stderr.write(`${text}\n`)
  await recoverBefore(() => recoverRun(folder).then((recovery) => (recovery ? [recovery] : [])), toStderr)
  const report = await writeReport(folder, { builtPage: await builtPage() })
  const line = json ? jsonLine({ run: basename(folder), folder, report }) : shortPath(report)
  process.stdout.write(`${line}\n`)
}

/** A run whose report could not be written is as good as before: it is told, and can be written later. */
export async function reportAtEnd(folder: string, say: (text: string) => void): Promise<void> {
  try {
    await writeReport(folder, { builtPage: await builtPage() })
  } catch (error) {
    const command = seerCommand(['report', basename(folder)], { outputDir: resolve(folder, '..') })
    say(`seer: the report was not written: ${describeError(error)} \`${command}\` tries again.`)
  }
}
