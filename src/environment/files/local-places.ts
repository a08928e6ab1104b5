/** `localFiles` and `localDirs` of a sandbox's configuration: what is wrong with them is found before anything starts. */
import { statSync } from 'node:fs'
import { SeerError } from '../../errors.ts'
import { localTree, realPathOf } from './local-tree.ts'
import { isWithin, targetOf, type Target } from './target.ts'
import { refuseFolderName } from './upload.ts'

type Pairs = readonly (readonly [string, string])[]

export interface LocalPlace {
  /** As the configuration names it. */
  readonly from: string
  readonly target: Target
}

/** Reads no file, but looks at each. Throws a SeerError that names what is wrong. */
export async function checkLocalPlaces(
  { localFiles, localDirs }: { readonly localFiles: Pairs; readonly localDirs: Pairs },
  { isConfined, signal }: { readonly isConfined: boolean; readonly signal?: AbortSignal },
): Promise<LocalPlace[]> {
  for (const [, to] of localFiles) refuseFolderName(to)
  // Folders first, so that a file may be put into one of them.
  const asked = [
    ...localDirs.map(([from, to]) => ({ from, to, isFolder: true })),
    ...localFiles.map(([from, to]) => ({ from, to, isFolder: false })),
  ]
  const places: LocalPlace[] = []
  for (const { from, to, isFolder } of asked) {
    checkKind(from, isFolder)
    const target = targetOf(to)
    if (target.kind === 'mount' && !isConfined) throw needsWall(to)
    refuseTwice(target, places)
    for await (const _ of localTree(from, { signal }));
    places.push({ from, target })
  }
  return places
}

function checkKind(from: string, isFolder: boolean): void {
  const found = statSync(realPathOf(from))
  if (isFolder ? found.isDirectory() : !found.isDirectory()) return
  throw new SeerError('local-file-kind', {
    message: `${from} is ${isFolder ? 'not a folder' : 'a folder'}.`,
    hint: isFolder ? 'Name it in `localFiles`.' : 'Name it in `localDirs`.',
  })
}

function refuseTwice(target: Target, places: readonly LocalPlace[]): void {
  const clash = places.find(({ target: other }) =>
    target.kind === 'mount' && other.kind === 'mount'
      ? isWithin(target.path, other.path) || isWithin(other.path, target.path)
      : target.kind === other.kind && target.path === other.path,
  )
  if (!clash) return
  throw new SeerError('local-file-target', {
    message: `${target.asked} and ${clash.target.asked} are the same place, or one lies in the other.`,
    hint: 'Give each its own place. In the workspace, a file may be put into a folder that `localDirs` puts there.',
  })
}

function needsWall(to: string): SeerError {
  return new SeerError('capability-missing', {
    message: `Nothing can be put at ${to} in a sandbox without a wall: it would have to be written to this machine's own ${to}.`,
    hint: 'Put it into the workspace: `/workspace/…`, or a path without a slash at its start.',
  })
}
