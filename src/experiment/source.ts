/** A copy of the experiment as it runs, kept with the run: also when the checkout is dirty. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, SeerError } from '../errors.ts'

const LEFT_OUT = new Set(['node_modules', 'outputs', 'recordings', '__pycache__', '.git'])
const MAX_FILE_BYTES = 4 * 1024 * 1024

export function keepSource(
  experimentFolder: string,
  runFolder: string,
  facts: { task: string | undefined; params: unknown },
): void {
  const target = join(runFolder, 'source')
  copyFolder(experimentFolder, target, runFolder)
  if (facts.task !== undefined) writeFileSync(join(target, 'task.rendered.md'), facts.task)
  writeFileSync(join(target, 'params.json'), `${JSON.stringify(facts.params, null, 2)}\n`)
}

/** Plain files and folders. The run's own folder may lie inside the experiment's, and is not copied into itself. */
function copyFolder(from: string, to: string, runFolder: string): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (LEFT_OUT.has(entry.name) || holdsKeys(entry.name) || runFolder === source || runFolder.startsWith(`${source}/`))
      continue
    if (entry.isDirectory()) copyFolder(source, target, runFolder)
    else if (entry.isFile() && statSync(source).size <= MAX_FILE_BYTES) copyFileSync(source, target)
  }
}

/** `.env`, `.env.local`, … */
function holdsKeys(name: string): boolean {
  return /^\.env(\.|$)/.test(name) && name !== '.env.example'
}

/** The experiment's `task.md`; undefined where it has none. */
export function readTask(experimentFolder: string): string | undefined {
  try {
    return readFileSync(join(experimentFolder, 'task.md'), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new SeerError('task-unreadable', {
      message: `The task of ${experimentFolder} cannot be read: ${describeError(error)}`,
    })
  }
}
