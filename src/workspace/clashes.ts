/** Two things of one name, of which the agent would find only one. */
import { SeerError } from '../errors.ts'
import type { Library } from './library.ts'
import { sha256OfFiles } from './local-file.ts'
import { isModuleName, takenBy } from './python/module-name.ts'
import type { Skill } from './skill.ts'

export function refuseClashes(libraries: readonly Library[], skills: readonly Skill[]): void {
  refuseTwice('library', 'libraries', libraries)
  refuseTwice('skill', 'skills', skills)
  const modules = new Map(libraries.map(({ name, sha256 }) => [name, { sha256, of: `the library ${name}` }]))
  for (const skill of skills) {
    for (const [module, sha256] of modulesOf(skill)) {
      const other = modules.get(module)
      if (other && other.sha256 !== sha256) {
        throw new SeerError('skill-invalid', {
          message: `The skill ${skill.name} and ${other.of} both have a Python module "${module}", with other content: only one could be imported.`,
          hint: 'Rename one of them.',
        })
      }
      modules.set(module, { sha256, of: `the skill ${skill.name}` })
    }
  }
}

/** By name, with its hash: what can be imported once the skill's folder is the last one on Python's path. */
export function modulesOf({ files }: Skill): Map<string, string> {
  const names = new Set(files.map(({ path }) => /^(\w+)(?:\.py|\/__init__\.py)$/.exec(path)?.[1] ?? ''))
  const own = [...names].filter((name) => isModuleName(name) && takenBy(name) === undefined)
  return new Map(
    own.map((name) => {
      const parts = files.filter(({ path }) => path === `${name}.py` || path.startsWith(`${name}/`))
      return [name, sha256OfFiles(parts)]
    }),
  )
}

function refuseTwice(one: string, field: string, named: readonly { readonly name: string }[]): void {
  const twice = named.find(({ name }, i) => named.findIndex((other) => other.name === name) !== i)
  if (!twice) return
  throw new SeerError(`${one}-name`, {
    message: `The workspace has two ${field} named "${twice.name}", of which only one could be found.`,
    hint: 'Name it once, or rename one of them.',
  })
}
