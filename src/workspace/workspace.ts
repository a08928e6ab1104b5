/** What the agent finds when it starts: modules to import, skills to read, files, and variables that an init code has made. */
import { z } from 'zod'
import { parseOptions } from '../options.ts'
import { refuseClashes } from './clashes.ts'
import { Library } from './library.ts'
import { checkPlaces } from './places.ts'
import { skillsIn } from './skill-folders.ts'
import { Skill } from './skill.ts'

/** A path on this machine, and where it lies in the workspace. */
const placed = z.tuple([z.string().min(1), z.string().min(1)])

const workspaceSchema = z.strictObject({
  libraries: z.array(z.custom<Library>((value) => value instanceof Library, 'is not a Library')).default([]),
  skills: z.array(z.custom<Skill>((value) => value instanceof Skill, 'is not a Skill')).default([]),
  /** Folders of skills, or folders that hold such folders. */
  skillDirs: z.array(z.string()).default([]),
  /** Files and folders that the agent finds: `[['./data.csv', '/workspace/data.csv']]`. */
  localFiles: z.array(placed).default([]),
  localDirs: z.array(placed).default([]),
  /** Python that runs before the agent starts; its variables are the agent's too. */
  customInitCode: z.string().optional(),
  /** Load the sandbox's models before the agent starts. */
  preloadModels: z.boolean().default(true),
  /** Do not tell the agent of the set-up cells. They are in the notebook and the log either way. */
  hiddenModelLoading: z.boolean().default(true),
})

/** All relative paths start at the current folder. */
export class Workspace {
  readonly libraries: readonly Library[]
  /** Those of `skillDirs` too. */
  readonly skills: readonly Skill[]
  readonly localFiles: readonly (readonly [string, string])[]
  readonly localDirs: readonly (readonly [string, string])[]
  readonly customInitCode: string | undefined
  readonly preloadModels: boolean
  readonly hiddenModelLoading: boolean

  constructor(options: z.input<typeof workspaceSchema> = {}) {
    const parsed = parseOptions('Workspace', workspaceSchema, options)
    this.libraries = parsed.libraries
    this.skills = [...parsed.skills, ...parsed.skillDirs.flatMap(skillsIn)]
    refuseClashes(this.libraries, this.skills)
    checkPlaces([...parsed.localFiles, ...parsed.localDirs])
    this.localFiles = parsed.localFiles
    this.localDirs = parsed.localDirs
    this.customInitCode = parsed.customInitCode
    this.preloadModels = parsed.preloadModels
    this.hiddenModelLoading = parsed.hiddenModelLoading
  }

  /** For a prompt: what the libraries say of themselves. Empty without libraries. */
  getLibraryDocs(): string {
    if (this.libraries.length === 0) return ''
    return ['# Available libraries', ...this.libraries.map((library) => library.getPromptDocs())].join('\n\n')
  }
}
