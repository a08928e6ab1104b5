import { randomBytes } from 'node:crypto'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { z } from 'zod'

/** What a small JSON file holds, or undefined where it is missing, torn or of another shape. */
export async function readJsonFile<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  return parseJson(await readFile(path, 'utf8').catch(() => ''), schema)
}

export function parseJson<T>(text: string, schema: z.ZodType<T>): T | undefined {
  try {
    return schema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** After a crash or a power cut there is the old file or the new one, never a part. */
export async function writeJsonFile(path: string, value: unknown): Promise<void> {
  const temporary = `${path}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    await using file = await open(temporary, 'wx')
    await file.writeFile(`${JSON.stringify(value, undefined, 2)}\n`)
    await file.sync()
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** The old file or the new one, never a part; closed to other users. */
export function writeOwnJsonNow(path: string, value: unknown): void {
  const part = join(dirname(path), `.${basename(path)}-${randomBytes(4).toString('hex')}`)
  try {
    writeFileSync(part, `${JSON.stringify(value, undefined, 1)}\n`, { mode: 0o600, flag: 'wx' })
    renameSync(part, path)
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
}
