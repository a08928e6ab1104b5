/**
 * A folder of the researcher's as the workspace of a local session: its files go in before the agent starts, and what is in the workspace
 * at the end comes back. The agent's code never sees the folder itself.
 */
import { copyFileSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Sandbox } from '../environment/sandbox.ts'
import { describeError, SeerError } from '../errors.ts'
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

/** Plain files only. What cannot be taken, or would go through a link, is told, and the rest comes all the same. */
export async function takeFilesBack(sandbox: Sandbox, folder: string): Promise<void> {
  const root = resolve(folder)
  const skipped: string[] = []
  try {
    mkdirSync(dirname(root), { recursive: true })
    const aside = mkdtempSync(`${root}.`)
    try {
      const { skipped: left } = await sandbox.download('.', join(aside, 'workspace'))
      skipped.push(
        ...left.filter(({ path }) => !OWN.has(path.split('/')[0] ?? '')).map(({ path, why }) => `${path} (${why})`),
      )
      mkdirSync(root, { recursive: true })
      merge(join(aside, 'workspace'), root, '', skipped)
    } finally {
      rmSync(aside, { recursive: true, force: true })
    }
  } catch (error) {
    throw new SeerError('workspace-not-taken', {
      message: `The files of the local session could not be brought back to ${root}: ${describeError(error)}`,
      hint: 'What the agent kept with save_artifact or seer.save is in the run folder.',
      cause: error,
    })
  }
  if (skipped.length > 0) tellSkipped(sandbox, root, skipped)
}

function merge(from: string, root: string, path: string, skipped: string[]): void {
  for (const entry of readdirSync(join(from, path), { withFileTypes: true })) {
    const inside = join(path, entry.name)
    if (path === '' && OWN.has(entry.name)) continue
    const target = join(root, inside)
    const there = lstatSync(target, { throwIfNoEntry: false })
    if (entry.isDirectory()) {
      if (there && !there.isDirectory()) skipped.push(`${inside} (no folder, but something else, is there)`)
      else {
        mkdirSync(target, { recursive: true })
        merge(from, root, inside, skipped)
      }
    } else if (there && !there.isFile()) {
      // A link of the researcher's own leads somewhere that the agent was not given.
      skipped.push(`${inside} (no file, but something else, is there)`)
    } else {
      const part = `${target}.seer-part`
      copyFileSync(join(from, inside), part)
      renameSync(part, target)
    }
  }
}

function tellSkipped(sandbox: Sandbox, root: string, skipped: readonly string[]): void {
  const shown = skipped.slice(0, 10).join('; ')
  const more = skipped.length > 10 ? `; and ${skipped.length - 10} more` : ''
  const text = `Not brought back to ${root}: ${shown}${more}.`
  sandbox.run.emit({ type: 'notice-add', by: 'system', level: 'warning', code: 'workspace-left', text })
}
