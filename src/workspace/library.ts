/** A Python module or package that the agent can import. */
import { readFileSync } from 'node:fs'
import { basename, extname, resolve } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { sha256OfFiles, type LocalFile } from './local-file.ts'
import { moduleDocs } from './python/docstring.ts'
import { checkModuleName } from './python/module-name.ts'
import { atCurrentFolder, readFolder } from './read-folder.ts'
import { Skill } from './skill.ts'
import { toolkitFile } from './toolkit.ts'

const INIT = '__init__.py'

export class Library {
  readonly name: string
  /** Below the folder of libraries: `helpers.py`, or `helpers/__init__.py` and what else is in the package. */
  readonly files: readonly LocalFile[]
  /** Of a module its file's; of a package that of the lines `<sha256>  <path>` of all files; of an interface's client that of the interface. */
  readonly sha256: string
  readonly #docs: string

  private constructor(name: string, files: readonly LocalFile[], docs: string, sha256 = sha256OfFiles(files)) {
    checkModuleName(name)
    this.name = name
    this.files = files
    this.sha256 = sha256
    this.#docs = docs
  }

  /** A `.py` file; its name is the module's. Relative paths start at the current folder. */
  static fromFile(path: string): Library {
    const full = resolve(path)
    if (extname(full) !== '.py' || basename(full) === INIT) {
      throw new SeerError('library-file', {
        message: `${path} is ${basename(full) === INIT ? 'a part of a package' : 'not a .py file'}.`,
        hint: 'A package is a folder with an __init__.py: Library.fromDirectory(path).',
      })
    }
    return Library.#module(basename(full, '.py'), readPythonFile(full, path))
  }

  static fromCode(name: string, code: string): Library {
    return Library.#module(name, Buffer.from(code))
  }

  /** A package: a folder with an `__init__.py`, whose name is the package's. All its files travel, data too. */
  static fromDirectory(path: string): Library {
    const files = readFolder(path, `The library ${path}`, 'library-file')
    const init = files.find((file) => file.path === INIT)
    if (init) return Library.#package(basename(resolve(path)), files, moduleDocs(init.bytes))
    throw new SeerError('library-file', {
      message: `${path} has no ${INIT}, so it is no package.`,
      hint: 'Add an empty one, or name single files with Library.fromFile.',
    })
  }

  /**
   * The Python of a skill, as a package that is named as the skill, with `_` for `-`. Its code is the skill's `__init__.py`, else its
   * `code.py`; the skill's other files lie beside it.
   */
  static fromSkillDir(path: string): Library {
    const skill = Skill.fromDir(path)
    const code = [INIT, 'code.py'].find((name) => skill.files.some((file) => file.path === name))
    if (code === undefined) {
      throw new SeerError('library-file', {
        message: `The skill ${path} has neither ${INIT} nor code.py, so there is nothing to import.`,
        hint: 'Name it in `skills` of the workspace: then it can be read, and its Python files are on the path.',
      })
    }
    const files = skill.files.map((file) => (file.path === code ? { ...file, path: INIT } : file))
    return Library.#package(skill.name.replaceAll('-', '_'), files, skill.instructions)
  }

  /** A file of the toolkit that Seer brings, by its name: `steering_hook`. */
  static toolkit(name: string): Library {
    return Library.fromFile(toolkitFile(name))
  }

  /** For `ScopedSandbox.serve`: the client of an interface, known by the hash of the interface's own files. */
  static ofInterface(name: string, files: readonly LocalFile[], docs: string, sha256: string): Library {
    const below = files.map(({ path, bytes }) => ({ path: `${name}/${path}`, bytes }))
    return new Library(name, below, docs, sha256)
  }

  static #module(name: string, bytes: Uint8Array): Library {
    return new Library(name, [{ path: `${name}.py`, bytes }], moduleDocs(bytes))
  }

  static #package(name: string, files: readonly LocalFile[], docs: string): Library {
    const below = files.map(({ path, bytes }) => ({ path: `${name}/${path}`, bytes }))
    return new Library(name, below, docs)
  }

  /** For a prompt: the module's docstring under its name. */
  getPromptDocs(): string {
    return `## ${this.name}\n\n${this.#docs === '' ? `\`import ${this.name}\`` : this.#docs}`
  }
}

function readPythonFile(full: string, path: string): Uint8Array {
  try {
    return readFileSync(full)
  } catch (cause) {
    throw new SeerError('library-file', {
      message: `The library ${path} cannot be read: ${describeError(cause)}`,
      hint: atCurrentFolder(),
      cause,
    })
  }
}
