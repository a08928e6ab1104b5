/** An entry of `skillDirs`: a skill, or a folder of skills. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { atCurrentFolder } from './read-folder.ts'
import { Skill } from './skill.ts'

const isSkill = (folder: string) => existsSync(join(folder, 'SKILL.md'))

export function skillsIn(folder: string): Skill[] {
  if (isSkill(folder)) return [Skill.fromDir(folder)]
  const skills = namesIn(folder)
    .map((name) => join(folder, name))
    .filter(isSkill)
    .map((path) => Skill.fromDir(path))
  if (skills.length > 0) return skills
  throw new SeerError('skill-file', {
    message: `${folder} is no skill and holds none: there is no SKILL.md in it, nor in a folder in it.`,
  })
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort()
  } catch (cause) {
    const message = `The folder of skills ${folder} cannot be read: ${describeError(cause)}`
    throw new SeerError('skill-file', { message, hint: atCurrentFolder(), cause })
  }
}
