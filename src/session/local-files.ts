/**
 * A folder of the researcher's as the workspace of a local session: its files go in before the agent starts, and what is in the workspace
 * at the end comes back. The agent's code never sees the folder itself.
 */
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, renameSync, writeSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { dirname, join, resolve } from 'node:path'
import { isKeyFile } from '../environment/files/local-tree.ts'
import { MAX_BYTES } from '../environment/files/limits.ts'
import type { Sandbox } from '../environment/sandbox.ts'
import { describeError, SeerError } from '../errors.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import type { TreeEntry } from '../sandbox/backend.ts'
import { LIBRARIES_FOLDER } from '../workspace/places.ts'

/** What Seer and the agent's programs keep in a workspace for themselves. */
const OWN = new Set([
  LIBRARIES_FOLDER,
  '.claude',
  '.packages',
  '.ipython',
  '.matplotlib',
  '.cache',
  '.config',
  '.local',
])

/** Of other programs: what stands in them is run when a folder is entered, opened or looked at. */
const ACTS = new Set(['.git', '.hg', '.envrc', '.direnv', '.vscode', '.idea', '.husky', '.devcontainer'])
const MAX_FILES = 50_000

/** As `Sandbox.upload` does: without files of keys, and with an error for a link that leads out of the folder. */
export async function bringFiles(sandbox: Sandbox, folder: string): Promise<void> {
  const root = resolve(folder)
  if (!existsSync(root)) return
  const own = readdirSync(root).find((name) => OWN.has(name))
  if (own !== undefined) {
    throw new SeerError('local-file-target', {
      message: `${root} cannot be the folder of a local session: it holds "${own}", which is Seer's own in a workspace.`,
      hint: 'Rename that, or choose another folder.',
    })
  }
  await sandbox.upload(root, '.')
}

/**
 * Plain files only, and none that would act on this machine. What cannot be taken, or would go through a link, is told, and the rest comes all
 * the same. Never throws: the session has ended, and its end is not to fail for it.
 */
export async function takeFilesBack(sandbox: Sandbox, folder: string): Promise<void> {
  const root = resolve(folder)
  const skipped: string[] = []
  const room = { files: MAX_FILES, bytes: MAX_BYTES }
  try {
    mkdirSync(root, { recursive: true })
    for await (const entry of sandbox.entries('.')) {
      const name = entry.path.split('/')[0] ?? ''
      if (entry.path === '' || OWN.has(name)) continue
      const why = whyNot(entry, root, room)
      if (why === undefined) await take(entry, root, room)
      else if (!isInside(entry.path, skipped)) skipped.push(`${entry.path} (${why})`)
    }
  } catch (error) {
    skipped.push(`what comes after that (${describeError(error)})`)
  }
  if (skipped.length > 0) tellSkipped(sandbox, root, skipped)
}

interface Room {
  files: number
  bytes: number
}

function whyNot(entry: TreeEntry, root: string, room: Room): string | undefined {
  if (entry.kind === 'other') return entry.why
  if (entry.kind === 'link') return 'it is a link'
  const parts = entry.path.split('/')
  if (parts.some((part) => isKeyFile(part) || ACTS.has(part))) return 'it could act on this machine'
  if (neutralise(entry.path) !== entry.path || /[\t\n]/.test(entry.path))
    return 'its name holds characters that act or hide'
  // A link of the researcher's own leads somewhere that the agent was not given.
  for (let depth = 1; depth <= parts.length; depth++) {
    const there = lstatSync(join(root, ...parts.slice(0, depth)), { throwIfNoEntry: false })
    const isFolder = depth < parts.length || entry.kind === 'folder'
    if (there && (isFolder ? !there.isDirectory() : !there.isFile())) return 'something else of that name is there'
  }
  if (entry.kind === 'file' && (room.files < 1 || entry.bytes > room.bytes))
    return 'there are too many files, or too much in them'
  return undefined
}

async function take(entry: TreeEntry, root: string, room: Room): Promise<void> {
  const target = join(root, entry.path)
  if (entry.kind === 'folder') mkdirSync(target, { recursive: true })
  if (entry.kind !== 'file') return
  mkdirSync(dirname(target), { recursive: true })
  const part = `${target}.${randomBytes(4).toString('hex')}.seer-part`
  const file = openSync(part, 'wx', 0o666)
  try {
    for await (const piece of entry.read()) {
      room.bytes -= piece.byteLength
      for (let at = 0; at < piece.byteLength;) at += writeSync(file, piece, at)
    }
  } finally {
    closeSync(file)
  }
  renameSync(part, target)
  room.files -= 1
}

/** Of a folder that was not taken, each thing in it need not be told. */
function isInside(path: string, skipped: readonly string[]): boolean {
  return skipped.some((one) => path.startsWith(`${one.slice(0, one.lastIndexOf(' ('))}/`))
}

function tellSkipped(sandbox: Sandbox, root: string, skipped: readonly string[]): void {
  const shown = skipped.slice(0, 10).join('; ')
  const more = skipped.length > 10 ? `; and ${skipped.length - 10} more` : ''
  const text = `Not brought back to ${root}: ${shown}${more}.`
  sandbox.run.emit({ type: 'notice-add', by: 'system', level: 'warning', code: 'workspace-left', text })
}
