/** `report.html` in a run's folder: one file that opens anywhere, without a network and without scripts. */
import { open, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describeError, SeerError } from '../errors.ts'
import type { ReportInput } from '../page/report/report-input.ts'
import { gatherReport, type GatherOptions } from './gather.ts'

export interface WriteReportOptions extends GatherOptions {
  /** The folder of the built page, which brings what draws a report. */
  readonly builtPage: string
}

/** Returns the report's path. It is there whole, or as it was before. */
export async function writeReport(runFolder: string, { builtPage, ...options }: WriteReportOptions): Promise<string> {
  const folder = resolve(runFolder)
  const { renderReport } = (await import(pathToFileURL(join(builtPage, 'report.js')).href)) as {
    renderReport: (input: ReportInput) => string
  }
  const html = renderReport(await gatherReport(folder, options))
  const path = join(folder, 'report.html')
  const aside = join(folder, `.report.html.${process.pid}`)
  try {
    await using file = await open(aside, 'w')
    await file.writeFile(html)
    await file.sync()
    await rename(aside, path)
  } catch (error) {
    await rm(aside, { force: true }).catch(() => undefined)
    throw new SeerError('report-write-failed', {
      message: `The report ${path} could not be written: ${describeError(error)}`,
      hint: 'Nothing is lost: it is made from events.jsonl. Make room on that disk, then `seer report` writes it again.',
      cause: error,
    })
  }
  return path
}
