/** Which files of the researcher a run's sandboxes were given, with their hashes: `source/local-files.json`. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Run } from '../../run/run.ts'
import { parseJson } from '../json-file.ts'

const recordSchema = z.array(
  z.object({
    sandbox: z.string(),
    /** As it was asked for. */
    from: z.string(),
    to: z.string(),
    files: z.int(),
    bytes: z.int(),
    sha256: z.string(),
    /** What stayed behind: files of keys, and Seer's own folder. */
    leftOut: z.array(z.string()).optional(),
  }),
)
export type GivenFiles = z.infer<typeof recordSchema>[number]

/** Adds to what stands there, in one go: two at once lose nothing of each other. */
export function noteGivenFiles({ folder, redactor }: Pick<Run, 'folder' | 'redactor'>, given: GivenFiles): void {
  const path = join(folder, 'source', 'local-files.json')
  const all = [...readGivenFiles(folder), redactor.value(given)]
  writeFileSync(`${path}.part`, `${JSON.stringify(all, undefined, 2)}\n`)
  renameSync(`${path}.part`, path)
}

export function readGivenFiles(runFolder: string): GivenFiles[] {
  try {
    return parseJson(readFileSync(join(runFolder, 'source', 'local-files.json'), 'utf8'), recordSchema) ?? []
  } catch {
    return []
  }
}
