/** A run by the name in an address: a folder of that name that is listed where runs are, and has a log. */
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { SeerError } from '../errors.ts'

/** The folders that hold a log. There may be none yet, and runs come and go. */
export async function runIds(outputDir: string): Promise<string[]> {
  const names = await readdir(outputDir).catch(() => [])
  const found = await Promise.all(names.map((name) => isRun(join(outputDir, name))))
  return names.filter((_, index) => found[index])
}

export async function findRun(outputDir: string, id: string): Promise<string> {
  const names = await readdir(outputDir).catch((): string[] => [])
  // Among the names that are there: so it is no path, whatever it looks like.
  if (names.includes(id) && (await isRun(join(outputDir, id)))) return join(outputDir, id)
  throw new SeerError('run-unknown', { message: 'There is no such run here, or no longer.' })
}

async function isRun(folder: string): Promise<boolean> {
  return (await stat(join(folder, 'events.jsonl')).catch(() => undefined))?.isFile() === true
}
