import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Skill } from '../workspace/skill.ts'

/** Where an experiment keeps skills of its own, and copies of Seer's that it may change. */
export const SKILLS_FOLDER = 'skills'

/** A skill by its name: the experiment's own where it has one, else Seer's. */
export function skillOf(experimentFolder: string): (name: string) => Skill {
  return (name) => {
    const own = join(experimentFolder, SKILLS_FOLDER, name)
    return existsSync(own) ? Skill.fromDir(own) : Skill.builtIn(name)
  }
}
