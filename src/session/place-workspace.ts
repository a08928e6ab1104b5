/** A workspace's files: into a sandbox, and into the run's own record. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkLocalPlaces } from '../environment/files/local-places.ts'
import type { Sandbox } from '../environment/sandbox.ts'
import type { Run } from '../run/run.ts'
import { modulesOf } from '../workspace/clashes.ts'
import type { LocalFile } from '../workspace/local-file.ts'
import { LIBRARIES_FOLDER, SKILLS_FOLDER } from '../workspace/places.ts'
import type { Workspace } from '../workspace/workspace.ts'

/** Throws a SeerError for a file that is not there any more, before anything is written. */
export async function placeWorkspace(sandbox: Sandbox, workspace: Workspace): Promise<void> {
  const { libraries, skills, localDirs, localFiles } = workspace
  await checkLocalPlaces({ localDirs, localFiles }, { isConfined: false, signal: sandbox.run.signal })
  for (const [from, to] of [...localDirs, ...localFiles]) await sandbox.upload(from, to)
  for (const { name, sha256, files } of libraries) {
    await write(sandbox, LIBRARIES_FOLDER, files)
    keep(sandbox.run, 'libraries', { name, sha256, files })
  }
  for (const { name, sha256, files: own } of skills) {
    const files = own.map(({ path, bytes }) => ({ path: `${name}/${path}`, bytes }))
    await write(sandbox, SKILLS_FOLDER, files)
    keep(sandbox.run, 'skills', { name, sha256, files })
  }
}

async function write(sandbox: Sandbox, folder: string, files: readonly LocalFile[]): Promise<void> {
  for (const { path, bytes } of files) await sandbox.writeFile(`${folder}/${path}`, bytes)
}

interface Kept {
  readonly name: string
  readonly sha256: string
  readonly files: readonly LocalFile[]
}

/** Of each run: what it keeps, with its hash. */
const keptBy = new WeakMap<Run, Map<string, string>>()

/** As it was given. Another one of the same name, in a later session, gets a folder of its own, named by its hash. */
function keep(run: Run, kind: string, { name, sha256, files }: Kept): void {
  const kept = keptBy.get(run) ?? new Map<string, string>()
  keptBy.set(run, kept)
  const first = kept.get(`${kind}/${name}`) ?? sha256
  kept.set(`${kind}/${name}`, first)
  const folder = join(run.folder, 'source', kind, first === sha256 ? '' : sha256.slice(0, 12))
  for (const { path, bytes } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), bytes)
  }
}

/** For processes that are no kernel: libraries before everything else, the Python of skills after them. */
export function pythonPath({ skills }: Pick<Workspace, 'skills'>, workspacePath: string): string {
  return [`${workspacePath}/${LIBRARIES_FOLDER}`, ...pythonOfSkills(skills, workspacePath)].join(':')
}

function pythonOfSkills(skills: Workspace['skills'], workspacePath: string): string[] {
  const withPython = skills.filter((skill) => modulesOf(skill).size > 0)
  return withPython.map(({ name }) => `${workspacePath}/${SKILLS_FOLDER}/${name}`)
}

/** Python that makes the modules of skills importable, after all others; undefined where there are none. May run twice. */
export function skillPathCode(workspace: Pick<Workspace, 'skills'>, workspacePath: string): string | undefined {
  const folders = pythonOfSkills(workspace.skills, workspacePath)
  if (folders.length === 0) return undefined
  return `import sys\nsys.path += [folder for folder in ${JSON.stringify(folders)} if folder not in sys.path]\ndel sys`
}
