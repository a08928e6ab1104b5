/** A session's libraries and skills, out of what the run kept of them, each checked by its hash. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { SeerError } from '../../errors.ts'
import { neutralise } from '../../notebook/terminal-text.ts'
import { Library } from '../../workspace/library.ts'
import { Skill } from '../../workspace/skill.ts'
import { Workspace } from '../../workspace/workspace.ts'
import type { SessionPlan } from './plan.ts'
import type { Source, SourceSession } from './source.ts'

interface Named {
  readonly name: string
  readonly sha256: string
}

export function replayWorkspace({ folder }: Source, { start }: SourceSession, plan: SessionPlan): Workspace {
  return new Workspace({
    libraries: start.libraries.map((library) => kept(folder, 'libraries', library, libraryAt)),
    skills: (start.skills ?? []).map((skill) =>
      kept(folder, 'skills', skill, (at, name) => Skill.fromDir(join(at, name))),
    ),
    preloadModels: start.preloadModels ?? true,
    hiddenModelLoading: plan.hiddenModelLoading,
    ...(plan.initCode === undefined ? {} : { customInitCode: plan.initCode }),
  })
}

function libraryAt(at: string, name: string): Library {
  const file = join(at, `${name}.py`)
  return existsSync(file) ? Library.fromFile(file) : Library.fromDirectory(join(at, name))
}

/** Of two of one name, the later one lies in a folder of its own, named by its hash. */
function kept<T extends Named>(
  folder: string,
  kind: 'libraries' | 'skills',
  { name, sha256 }: Named,
  read: (at: string, name: string) => T,
): T {
  const root = join(folder, 'source', kind)
  for (const at of [root, join(root, sha256.slice(0, 12))]) {
    const found = attempt(() => read(at, name))
    if (found?.sha256 === sha256) return found
  }
  throw new SeerError('replay-files-missing', {
    message: `The run's source/${kind} does not hold "${neutralise(name)}" as it was (sha256 ${sha256.slice(0, 12)}…).`,
    hint: 'Take the whole folder of the run, unchanged.',
  })
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof SeerError) return undefined
    throw error
  }
}
