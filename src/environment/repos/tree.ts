/** What a commit's tree holds, counted before any of it is written: a small repository can stand for any number of files. */
import { count, size } from '../../amounts.ts'
import { SeerError } from '../../errors.ts'
import { MAX_BYTES, MAX_ENTRIES } from '../files/limits.ts'
import { gitFailure } from './git-errors.ts'
import type { Mirror } from './mirror.ts'
import type { RepoSource } from './repo-source.ts'

export const SHOWN_NAMES = 5
/** More than any system takes as a path. */
const MAX_LINE_CHARS = 64 * 1024

export interface Tree {
  /** Files, folders, links and submodules. */
  readonly entries: number
  readonly bytes: number
  /** The first names, and how many there are. */
  readonly submodules: { readonly names: readonly string[]; readonly count: number }
}

/** Throws `repo-too-large` above the limits that uploads have. */
export async function readTree(mirror: Mirror, commit: string, source: RepoSource): Promise<Tree> {
  let entries = 0
  let bytes = 0
  const names: string[] = []
  let submodules = 0
  /** `<mode> <type> <id> <bytes, or -><tab><path>` */
  const take = (line: string) => {
    entries += 1
    bytes += Number(/^\S+ \S+ \S+ +(\d+)\t/.exec(line)?.[1] ?? 0)
    if (entries > MAX_ENTRIES || bytes > MAX_BYTES) throw tooLarge(source, commit, { entries, bytes })
    if (!line.startsWith('160000 ')) return
    submodules += 1
    if (names.length < SHOWN_NAMES) names.push(line.slice(line.indexOf('\t') + 1))
  }
  let begun = ''
  const onStdout = (text: string) => {
    const lines = (begun + text).split('\0')
    begun = lines.pop() ?? ''
    if (begun.length > MAX_LINE_CHARS) throw tooLarge(source, commit, { entries, bytes })
    for (const line of lines) take(line)
  }
  const result = await mirror.read(['ls-tree', '-r', '-t', '-l', '-z', '--full-tree', commit], { onStdout })
  if (result.exitCode !== 0) throw gitFailure(source, 'reading the files of', result)
  return { entries, bytes, submodules: { names, count: submodules } }
}

function tooLarge(
  { shown }: RepoSource,
  commit: string,
  { entries, bytes }: Pick<Tree, 'entries' | 'bytes'>,
): SeerError {
  return new SeerError('repo-too-large', {
    message:
      `The repository ${shown} is too large at commit ${commit.slice(0, 12)}: it was counted up to ${count(entries)} files, folders and links ` +
      `of ${size(bytes)} together, and at most ${count(MAX_ENTRIES)} of ${size(MAX_BYTES)} are taken.`,
    hint: 'Choose another commit by `ref`, or clone it yourself and give the folders that are needed in `localDirs`.',
  })
}
