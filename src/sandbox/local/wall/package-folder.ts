/**
 * The archives of packages that lie in a folder of the researcher. The folder may be any, such as that of a project, so nothing else
 * of it is seen inside, and where it lies is not told.
 */
import { constants } from 'node:fs'
import { access, copyFile, link, mkdir, readdir, realpath, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** As pip reads a name: the package, then its version. */
const ARCHIVE = /^[\w.]+[\w.+-]*-v?\d[\w.+!-]*\.(whl|tar\.gz|zip)$/i
/** Of all that cannot be linked in a folder; what is over it is mounted where it lies. */
const COPY_BYTES = 64 * 1024 * 1024
/** bubblewrap takes a few thousand arguments. */
const MAX_MOUNTED = 500

export interface PackageFolder {
  readonly source: string
  /** To be mounted on what has their names in `source`, since they could be neither linked nor copied: where they lie can be seen. */
  readonly files: readonly { readonly name: string; readonly source: string }[]
}

/** `target` is made. A link in the folder counts as the file that it leads to. */
export async function linkPackages(folder: string, target: string, copyBytes = COPY_BYTES): Promise<PackageFolder> {
  await mkdir(target, { mode: 0o755 })
  const unlinked: { name: string; source: string; bytes: number }[] = []
  const archives = await archivesIn(folder)
  await Promise.all(
    archives.map((archive) => link(archive.source, join(target, archive.name)).catch(() => unlinked.push(archive))),
  )
  // The small ones first, so that few are left to be mounted.
  const files: { name: string; source: string }[] = []
  let copied = 0
  for (const { name, source, bytes } of unlinked.sort((one, two) => one.bytes - two.bytes)) {
    if (copied + bytes <= copyBytes) {
      copied += bytes
      await copyFile(source, join(target, name), constants.COPYFILE_EXCL)
    } else if (files.length < MAX_MOUNTED) {
      await writeFile(join(target, name), '', { flag: 'wx', mode: 0o444 })
      files.push({ name, source })
    }
  }
  return { source: target, files }
}

async function archivesIn(folder: string): Promise<{ name: string; source: string; bytes: number }[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => ARCHIVE.test(name))
  const isRoot = process.getuid?.() === 0
  const found = await Promise.all(
    names.map(async (name) => {
      try {
        const source = await realpath(join(folder, name))
        const found = await stat(source)
        await access(source, constants.R_OK)
        // Root's sandboxes are another user's.
        const isTaken = found.isFile() && (!isRoot || (found.mode & constants.S_IROTH) !== 0)
        return isTaken ? [{ name, source, bytes: found.size }] : []
      } catch {
        return [] // a link that leads nowhere, or what its user may not read either
      }
    }),
  )
  return found.flat()
}
