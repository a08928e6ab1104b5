/** The commands that look and change nothing of a living run: `show`, `list`, `doctor`. */
import { recoverRun } from '../kernel/recover.ts'
import { resolveRun } from '../run/paths.ts'
import { doctor } from './doctor.ts'
import { recoverBefore } from './gc.ts'
import { listRuns } from './list.ts'
import { showRun, type ShowFlags } from './show.ts'

interface Common {
  outputDir: string
  json?: boolean
}

const toStderr = (text: string) => void process.stderr.write(`${text}\n`)

export async function showCommand(run: string, options: Common & ShowFlags): Promise<void> {
  const folder = resolveRun(run, options.outputDir)
  await recoverBefore(() => recoverRun(folder).then((recovery) => (recovery ? [recovery] : [])), toStderr)
  const { outputDir: _, ...flags } = options
  process.exitCode = await showRun(folder, flags)
}

export async function listCommand({ outputDir, json = false }: Common): Promise<void> {
  process.exitCode = await listRuns(outputDir, { json })
}

export async function doctorCommand({ json = false }: { json?: boolean }): Promise<void> {
  process.exitCode = await doctor({ json })
}
