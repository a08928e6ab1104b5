/**
 * A file or folder out of a sandbox's workspace, onto the researcher's disk: plain files under new names and nothing else. What comes
 * is the agent's: links, pipes and names that would act in a terminal stay where they are, and are told.
 */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { count, size } from '../../amounts.ts'
import { describeError, SeerError } from '../../errors.ts'
import { neutralise } from '../../notebook/terminal-text.ts'
import type { Machine, TreeEntry, TreeFile } from '../../sandbox/backend.ts'
import { MAX_BYTES, MAX_ENTRIES, type TreeLimits } from './limits.ts'
import { treesOf } from './machine-trees.ts'

export interface Download {
  readonly files: number
  readonly bytes: number
  /** What was not taken. The paths are the agent's words. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[]
  /** Files that were changed while they were read, twice: what came is of no one moment. */
  readonly changed: readonly string[]
}

/** A folder becomes `localPath`, which must not be there yet, or be empty. A file may take the place of a file. */
export async function download(
  machine: Machine,
  path: string,
  localPath: string,
  { maxBytes = MAX_BYTES, maxFiles = MAX_ENTRIES, signal }: TreeLimits = {},
): Promise<Download> {
  const target = resolve(localPath)
  const part = `${target}.${randomBytes(4).toString('hex')}.part`
  const found = newDownload(maxBytes, maxFiles)
  try {
    let isFile = false
    for await (const entry of treesOf(machine).take(path, { signal })) {
      isFile ||= entry.path === ''
      if (found.entries === 0) begin(target, part, isFile)
      await take(entry, part, found)
    }
    if (found.entries === 0) begin(target, part, false)
    renameSync(part, target)
  } catch (error) {
    rmSync(part, { recursive: true, force: true })
    throw understood(error, target)
  }
  const { files, bytes, skipped, changed } = found
  return { files, bytes, skipped, changed }
}

interface Taking {
  readonly maxBytes: number
  readonly maxEntries: number
  readonly skipped: { path: string; why: string }[]
  readonly changed: string[]
  /** Folders that were not made: nothing goes into them. */
  readonly closed: Set<string>
  entries: number
  files: number
  bytes: number
}

function newDownload(maxBytes: number, maxEntries: number): Taking {
  return { maxBytes, maxEntries, skipped: [], changed: [], closed: new Set(), entries: 0, files: 0, bytes: 0 }
}

/** Makes what is needed for the place beside the target, once it is known that there is something. */
function begin(target: string, part: string, isFile: boolean): void {
  const there = statSync(target, { throwIfNoEntry: false })
  const isFree = isFile ? !there || there.isFile() : !there || (there.isDirectory() && readdirSync(target).length === 0)
  if (!isFree) throw taken(target, isFile)
  if (!existsSync(dirname(target))) mkdirSync(dirname(target), { recursive: true })
  if (!isFile) mkdirSync(part)
}

async function take(entry: TreeEntry, part: string, found: Taking): Promise<void> {
  found.entries += 1
  if (found.entries > found.maxEntries) throw tooMany(found.maxEntries)
  const why = whyNot(entry, found)
  const place = entry.path === '' ? part : join(part, entry.path)
  try {
    if (why !== undefined) skip(entry, found, why)
    else if (entry.kind === 'folder') mkdirSync(place)
    else if (entry.kind === 'file') await takeFile(entry, place, found)
  } catch (error) {
    const code = codeOf(error)
    // On disks for which A and a, or two ways to write é, are the same.
    if (code === 'EEXIST') skip(entry, found, 'this disk takes its name for that of another one')
    else if (code === 'file-missing') skip(entry, found, 'it was gone when it was to be read')
    else throw error
  }
}

function skip(entry: TreeEntry, found: Taking, why: string): void {
  found.skipped.push({ path: entry.path, why })
  if (entry.kind === 'folder') found.closed.add(entry.path)
}

function whyNot({ path, ...entry }: TreeEntry, { closed }: Taking): string | undefined {
  if (entry.kind === 'other') return entry.why
  if (entry.kind === 'link') return 'it is a link'
  if (path !== '' && closed.has(dirname(path))) return 'its folder was not taken'
  return neutralise(path) !== path || /[\t\n]/.test(path) ? 'its name holds characters that act or hide' : undefined
}

/** Once more where it was changed meanwhile, since most writers are done soon. */
async function takeFile(entry: TreeFile, place: string, found: Taking): Promise<void> {
  if (found.bytes + entry.bytes > found.maxBytes) throw tooLarge(found.maxBytes)
  for (const isLast of [false, true]) {
    const { bytes, isChanged } = await writeOut(entry, place, found.maxBytes - found.bytes)
    if (isChanged && !isLast) {
      rmSync(place)
      continue
    }
    found.files += 1
    found.bytes += bytes
    if (isChanged) found.changed.push(entry.path)
    return
  }
}

async function writeOut(entry: TreeFile, place: string, maxBytes: number) {
  const file = openSync(place, 'wx', entry.isExecutable ? 0o777 : 0o666)
  let bytes = 0
  try {
    for await (const piece of entry.read()) {
      bytes += piece.byteLength
      if (bytes > maxBytes) throw tooLarge(maxBytes)
      for (let at = 0; at < piece.byteLength;) at += writeSync(file, piece, at)
    }
    return { bytes, isChanged: false }
  } catch (error) {
    if (codeOf(error) === 'file-changed') return { bytes, isChanged: true }
    if (codeOf(error) === 'file-missing') rmSync(place)
    throw error
  } finally {
    closeSync(file)
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

function tooMany(max: number): SeerError {
  return new SeerError('download-too-large', {
    message: `There are more than ${count(max)} files, folders and links. Nothing was kept of them.`,
    hint: 'Name a folder with less in it, or give `maxFiles`.',
  })
}

function tooLarge(max: number): SeerError {
  return new SeerError('download-too-large', {
    message: `The files have more than ${size(max)}. Nothing was kept of them.`,
    hint: 'Name a folder with less in it, or give `maxBytes`.',
  })
}

function taken(target: string, isFile: boolean): SeerError {
  return new SeerError('download-exists', {
    message: `${target} is there already, and nothing is written ${isFile ? 'over a folder' : 'into it or over it'}.`,
    hint: isFile ? 'Give the whole path of the new file.' : 'Give the path of a folder that is not there yet.',
  })
}

function understood(error: unknown, target: string): unknown {
  if (error instanceof SeerError || typeof codeOf(error) !== 'string') return error
  return new SeerError('download-failed', {
    message: `${target} could not be written: ${describeError(error)}. Nothing was kept of it.`,
    hint: 'Make room on that disk, or choose a folder that you can write to.',
    cause: error,
  })
}
