/** Instructions that the agent reads when it needs them: a folder with a SKILL.md, as many agents know it. */
import { basename, resolve } from 'node:path'
import { SeerError } from '../errors.ts'
import { builtInSkillFolder } from './built-in-skills.ts'
import { sha256OfFiles, type LocalFile } from './local-file.ts'
import { functionSkill, sourceSkill } from './python-skill.ts'
import { readFolder } from './read-folder.ts'
import { formatSkillText, parseSkillText, type SkillText } from './skill-text.ts'

const TEXT = 'SKILL.md'

export class Skill {
  readonly name: string
  /** What it is for, and when to read it. */
  readonly description: string
  /** What stands in SKILL.md below its front matter. */
  readonly instructions: string
  /** In the skill's folder, SKILL.md among them. */
  readonly files: readonly LocalFile[]
  /** Of the lines `<sha256>  <path>` of all files; of one file its own. */
  readonly sha256: string

  private constructor({ name, description, instructions }: SkillText, files: readonly LocalFile[]) {
    this.name = name
    this.description = description
    this.instructions = instructions
    this.files = files
    this.sha256 = sha256OfFiles(files)
  }

  /** A folder that is named as the skill. Relative paths start at the current folder. */
  static fromDir(path: string): Skill {
    const what = `The skill ${path}`
    const files = readFolder(path, what, 'skill-file')
    const text = files.find((file) => file.path === TEXT)
    if (!text) {
      const other = files.find((file) => file.path.toLowerCase() === TEXT.toLowerCase())
      throw new SeerError('skill-file', {
        message: `${what} has no ${TEXT}${other ? `, only ${other.path}` : ''}.`,
        hint: other ? 'Rename it.' : 'A skill is a folder with a SKILL.md; several such folders are named one by one.',
      })
    }
    const parsed = parseSkillText(Buffer.from(text.bytes).toString('utf8'), what)
    const folder = basename(resolve(path))
    if (parsed.name === folder) return new Skill(parsed, files)
    throw new SeerError('skill-invalid', {
      message: `${what} says that its name is "${parsed.name}", and its folder is named "${folder}".`,
      hint: 'Rename one of them: agents look for a skill by the name of its folder.',
    })
  }

  /** A function of a Python file. Its docstring's first paragraph is the description; the file can be imported under its own name. */
  static fromFunction(path: string, name: string): Skill {
    return Skill.#made(functionSkill(path, name))
  }

  /** Python code under a skill's name. It can be imported by that name, with `_` for `-`. */
  static fromSource(name: string, description: string, code: string, instructions?: string): Skill {
    return Skill.#made(sourceSkill({ name, description, code, instructions }))
  }

  /** A skill that Seer brings: `steering`, `research-method`. */
  static builtIn(name: string): Skill {
    return Skill.fromDir(builtInSkillFolder(name))
  }

  /** For `ScopedSandbox.serve`: a skill with the client of an interface in it. */
  static ofInterface(text: SkillText, files: readonly LocalFile[]): Skill {
    return Skill.#made({ text, files })
  }

  static #made({ text, files }: { text: SkillText; files: readonly LocalFile[] }): Skill {
    const bytes = Buffer.from(formatSkillText(text, `The skill ${text.name}`))
    return new Skill(text, [{ path: TEXT, bytes }, ...files])
  }
}
