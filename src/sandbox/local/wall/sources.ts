/**
 * The sources of a sandbox's mounts. Code inside can read where each mount comes from, so they lie in a folder with a random name:
 * a model's own folder, or the run's, would tell what the experiment is about.
 */
import { constants, existsSync, realpathSync, statSync } from 'node:fs'
import { chmod, chown, copyFile, cp, link, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { SeerError } from '../../../errors.ts'
import { MADE_FILES } from './system-files.ts'

/** What of Seer's own Python runs behind the wall. */
const SEER_PARTS = /^(seer_(kernel|spawner|interface|client)|\w+\.py)$/
/** Smaller ones are copied where they cannot be linked. */
const COPY_BYTES = 16 * 1024 * 1024
/** Written by Seer into what it makes: names and dates. */
const SEER_MARK = '.seer-ready.json'

/** Copies what of `pythonDir` is needed inside. The times are kept, so that compiled files stay good. */
export async function copySeer(pythonDir: string, target: string): Promise<void> {
  await mkdir(target, { mode: 0o755 })
  for (const name of await readdir(pythonDir)) {
    if (!SEER_PARTS.test(name)) continue
    await cp(join(pythonDir, name), join(target, name), { recursive: true, preserveTimestamps: true })
  }
  await openToRead(target)
}

/** A private checkout is private to others than the sandbox's user. */
async function openToRead(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644)
}

export async function writeMadeFiles(target: string): Promise<void> {
  await mkdir(target, { mode: 0o755 })
  for (const [name, text] of Object.entries(MADE_FILES)) await writeFile(join(target, name), text, { mode: 0o644 })
}

export async function makeOwned(folder: string, owner: number | null): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  if (owner !== null) await chown(folder, owner, owner)
}

export interface LinkedModel {
  readonly source: string
  readonly isNamed: boolean
  /** Mounted one by one in place of `source`: a hub's cache holds links, which would lead nowhere inside. */
  readonly files: readonly { readonly name: string; readonly source: string }[]
}

/**
 * A folder with the files of a model under no name, as links to the same bytes. The model's own folder, or its files, where they are
 * too large to be copied to another disk or another user's: then its name can be seen inside.
 */
export async function linkModel(model: string, target: string): Promise<LinkedModel> {
  await mkdir(target, { mode: 0o755 })
  try {
    await linkFolder(model, target, existsSync(join(model, SEER_MARK)))
    return { source: target, isNamed: false, files: [] }
  } catch (error) {
    if (error instanceof SeerError) throw error
    if (error instanceof Error && 'code' in error)
      return { source: model, isNamed: true, files: await linkedFiles(model) }
    throw error
  }
}

/** Every file of a folder with links in it, where it really lies. */
async function linkedFiles(model: string): Promise<LinkedModel['files']> {
  const entries = await readdir(model, { recursive: true, withFileTypes: true }).catch(() => [])
  if (!entries.some((entry) => entry.isSymbolicLink())) return []
  const places = entries.map((entry) => join(entry.parentPath, entry.name)).filter((place) => existsSync(place))
  const files = places.map((place) => ({ name: relative(model, place), source: realpathSync(place) }))
  return files.filter(({ source }) => statSync(source).isFile())
}

async function linkFolder(from: string, to: string, isOurs: boolean): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (entry.name === SEER_MARK) continue
    const source = join(from, entry.name)
    const target = join(to, entry.name)
    const found = await stat(source)
    if (found.isDirectory()) {
      await mkdir(target, { mode: 0o755 })
      await linkFolder(source, target, isOurs)
    } else if (found.isFile()) {
      if (process.getuid?.() === 0 && (found.mode & constants.S_IROTH) === 0) await letOthersRead(source, isOurs)
      // A hub's cache holds links to its files.
      await link(realpathSync(source), target).catch(async (error: unknown) => {
        if (found.size > COPY_BYTES || existsSync(target)) throw error
        await copyFile(source, target, constants.COPYFILE_EXCL)
      })
    }
  }
}

/** Root's sandboxes are another user's. What Seer made itself may be read by them; others' files are theirs to open. */
async function letOthersRead(file: string, isOurs: boolean): Promise<void> {
  if (isOurs) return chmod(file, 0o644)
  throw new SeerError('model-unreadable', {
    message: `${file} can be read by root only, and a sandbox that root starts is not root.`,
    hint: `chmod o+r ${file}, or run Seer as an ordinary user.`,
  })
}
