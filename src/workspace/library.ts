/** A Python module that the agent can import. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { toolkitFile } from './toolkit.ts'

const MODULE_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/

export class Library {
  readonly name: string
  readonly code: string
  readonly sha256: string

  private constructor(name: string, code: string) {
    if (!MODULE_NAME.test(name)) {
      throw new SeerError('library-name', {
        message: `"${name}" cannot be imported in Python.`,
        hint: 'Use letters, digits and underscores, and no digit first.',
      })
    }
    this.name = name
    this.code = code
    this.sha256 = createHash('sha256').update(code).digest('hex')
  }

  /** A `.py` file; its name is the module's. Relative paths start at the current folder. */
  static fromFile(path: string): Library {
    const full = resolve(path)
    if (extname(full) !== '.py') throw new SeerError('library-file', { message: `${path} is not a .py file.` })
    try {
      return new Library(basename(full, '.py'), readFileSync(full, 'utf8'))
    } catch (cause) {
      if (cause instanceof SeerError) throw cause
      throw new SeerError('library-file', {
        message: `The library ${path} cannot be read: ${describeError(cause)}`,
        hint: `Relative paths start at the current folder, ${process.cwd()}.`,
        cause,
      })
    }
  }

  /** A file of the toolkit that Seer brings, by its name: `steering_hook`. */
  static toolkit(name: string): Library {
    return Library.fromFile(toolkitFile(name))
  }

  static fromCode(name: string, code: string): Library {
    return new Library(name, code)
  }
}
