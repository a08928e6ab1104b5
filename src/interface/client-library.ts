/** An interface as something to import: Seer's client, which is the same for all, with the description of this one beside it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Library } from '../workspace/library.ts'
import type { LocalFile } from '../workspace/local-file.ts'
import { Skill } from '../workspace/skill.ts'
import { describeInText } from './description.ts'
import type { Interface } from './interface.ts'

const CLIENT = resolve(import.meta.dirname, '../../python/seer_client')

const servedBy = new WeakMap<Library | Skill, Interface>()

/** Those of a workspace, which its sessions may call. */
export function interfacesOf(given: {
  readonly libraries: readonly Library[]
  readonly skills: readonly Skill[]
}): Interface[] {
  const found = [...given.libraries, ...given.skills].flatMap((one) => servedBy.get(one) ?? [])
  return [...new Set(found)]
}

export function libraryOf(served: Interface): Library {
  const library = Library.ofInterface(served.name, clientFiles(served), docsOf(served), served.sha256)
  servedBy.set(library, served)
  return library
}

/** Named as the interface, with `-` for `_`. */
export function skillOf(served: Interface, description: string): Skill {
  const { name } = served
  const files = clientFiles(served).map(({ path, bytes }) => ({ path: `${name}/${path}`, bytes }))
  const skill = Skill.ofInterface({ name: name.replaceAll('_', '-'), description, instructions: docsOf(served) }, files)
  servedBy.set(skill, served)
  return skill
}

export function docsOf({ name, description }: Interface): string {
  const how = `Call them from Python: \`import ${name}\`, then \`${name}.FUNCTION(...)\`. They run in another process; what they raise arrives as \`${name}.InterfaceError\`.`
  return describeInText(description, how)
}

function clientFiles({ name, descriptionText }: Interface): LocalFile[] {
  const own = readdirSync(CLIENT).filter((file) => file.endsWith('.py'))
  const json = Buffer.from(`{"name": ${JSON.stringify(name)}, ${descriptionText.trimStart().slice(1)}\n`)
  return [
    ...own.map((path) => ({ path, bytes: readFileSync(join(CLIENT, path)) })),
    { path: 'interface.json', bytes: json },
  ]
}
