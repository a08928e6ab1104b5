/** Files and folders into a workspace, from outside, while the agent's code may change what lies there. */
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  lchownSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeSync,
} from 'node:fs'
import { SeerError } from '../../errors.ts'
import type { TreeEntry, TreeFile } from '../backend.ts'
import {
  codeOf,
  entryOf,
  fileMissing,
  holdBelow,
  holdRoot,
  outside,
  partsOf,
  type HeldFolder,
  type Making,
} from './held-folder.ts'
import { openBreath } from './read-pieces.ts'

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

/** Parents are made. A file that is there is replaced whole. */
export async function writeInside(root: string, path: string, bytes: Uint8Array, owner: Making['owner']) {
  const file: TreeFile = {
    kind: 'file',
    path: '',
    bytes: bytes.byteLength,
    isExecutable: false,
    read: () => ReadableStream.from([bytes]),
  }
  await putInside(root, path, [file], owner)
}

export async function putInside(
  root: string,
  path: string,
  entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>,
  owner: Making['owner'],
): Promise<void> {
  const start = partsOf(path)
  const breathe = openBreath()
  using way = openWay(root, { owner })
  for await (const entry of entries) {
    await breathe()
    const parts = [...start, ...partsOf(entry.path)]
    const asked = parts.join('/') || path
    if (entry.kind === 'folder') {
      way.to(parts, asked)
      continue
    }
    const name = parts.pop()
    if (name === undefined || entry.kind === 'other') throw outside(asked)
    await putBeside(way.to(parts, asked), name, entry, owner).catch((error: unknown) => {
      throw understood(error, asked)
    })
  }
}

interface Way extends Disposable {
  /** The folder at the end; held until another one is asked for. */
  to(parts: readonly string[], asked: string): HeldFolder
}

/** Entries come folder by folder: what two of them have in common is looked up once. */
function openWay(path: string, making: Making): Way {
  const root = holdRoot(path)
  const steps: { name: string; folder: HeldFolder }[] = []
  const backTo = (length: number) => {
    while (steps.length > length) steps.pop()!.folder[Symbol.dispose]()
  }
  return {
    to(parts, asked) {
      const other = steps.findIndex(({ name }, i) => name !== parts[i])
      if (other >= 0) backTo(other)
      for (const name of parts.slice(steps.length)) {
        const above = steps.at(-1)?.folder ?? root
        steps.push({ name, folder: holdBelow(above, name, asked, making) })
      }
      return steps.at(-1)?.folder ?? root
    },
    [Symbol.dispose]() {
      backTo(0)
      root[Symbol.dispose]()
    },
  }
}

/** Under another name first: whoever looks sees the old one or the new one, whole. */
async function putBeside(
  folder: HeldFolder,
  name: string,
  entry: Extract<TreeEntry, { kind: 'file' | 'link' }>,
  owner: Making['owner'],
): Promise<void> {
  const part = entryOf(folder, `.seer-${randomBytes(8).toString('hex')}.part`)
  try {
    if (entry.kind === 'link') {
      symlinkSync(entry.target, part)
      if (owner !== null) lchownSync(part, owner, owner)
    } else await writeNew(part, entry, owner)
    renameSync(part, entryOf(folder, name))
  } catch (error) {
    rmSync(part, { force: true })
    throw error
  }
}

async function writeNew(place: string, entry: TreeFile, owner: Making['owner']): Promise<void> {
  const file = openSync(place, NEW_FILE, 0o600)
  try {
    for await (const chunk of entry.read()) for (let at = 0; at < chunk.byteLength;) at += writeSync(file, chunk, at)
    if (owner !== null) fchownSync(file, owner, owner)
    fchmodSync(file, entry.isExecutable ? 0o755 : 0o644)
  } finally {
    closeSync(file)
  }
}

function understood(error: unknown, path: string): unknown {
  const code = codeOf(error)
  if (code === 'EISDIR' || code === 'ENOTEMPTY' || code === 'EEXIST')
    return new SeerError('file-in-the-way', {
      message: `${path} is a folder in the workspace, so no file of that name can be put there.`,
      cause: error,
    })
  if (code === 'ENAMETOOLONG') return fileMissing(path, error)
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new SeerError('disk-full', {
      message: `There is no room for ${path} on the disk of the sandbox.`,
      hint: 'Make room on that disk, or set XDG_STATE_HOME to a folder on another one.',
      cause: error,
    })
  return error
}
