/** What the agent finds when it starts: modules to import, and variables that an init code has made. */
import { z } from 'zod'
import { parseOptions } from '../options.ts'
import { Library } from './library.ts'

const workspaceSchema = z.strictObject({
  libraries: z.array(z.custom<Library>((value) => value instanceof Library, 'is not a Library')).default([]),
  /** Python that runs before the agent starts; its variables are the agent's too. */
  customInitCode: z.string().optional(),
  /** Load the sandbox's models before the agent starts. */
  preloadModels: z.boolean().default(true),
  /** Do not tell the agent of the set-up cells. They are in the notebook and the log either way. */
  hiddenModelLoading: z.boolean().default(true),
})

export class Workspace {
  readonly libraries: readonly Library[]
  readonly customInitCode: string | undefined
  readonly preloadModels: boolean
  readonly hiddenModelLoading: boolean

  constructor(options: z.input<typeof workspaceSchema> = {}) {
    const parsed = parseOptions('Workspace', workspaceSchema, options)
    this.libraries = parsed.libraries
    this.customInitCode = parsed.customInitCode
    this.preloadModels = parsed.preloadModels
    this.hiddenModelLoading = parsed.hiddenModelLoading
  }
}
