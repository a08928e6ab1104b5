/** A copy of the experiment as it runs, kept with the run: also when the checkout is dirty. */
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const LEFT_OUT = new Set(['node_modules', 'outputs', '.git', '__pycache__', '.env', 'recordings'])
const MAX_FILE_BYTES = 4 * 1024 * 1024

export function keepSource(experimentFolder: string, runFolder: string, facts: { task: string; params: unknown }): void {
  const target = join(runFolder, 'source')
  mkdirSync(target, { recursive: true })
  const keep = (path: string) => !LEFT_OUT.has(basename(path)) && (statSync(path).isDirectory() || statSync(path).size <= MAX_FILE_BYTES)
  cpSync(experimentFolder, target, { recursive: true, filter: (path) => path === experimentFolder || keep(path), mode: 0 })
  writeFileSync(join(target, 'task.rendered.md'), facts.task)
  writeFileSync(join(target, 'params.json'), `${JSON.stringify(facts.params, null, 2)}\n`)
}

/** The experiment's `task.md`, or an empty task where it has none. */
export function readTask(experimentFolder: string): string {
  try {
    return readFileSync(join(experimentFolder, 'task.md'), 'utf8')
  } catch {
    return ''
  }
}
