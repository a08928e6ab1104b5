/** The files of an interface: the file itself, and the modules and packages that lie beside it. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { size } from '../amounts.ts'
import { describeError, SeerError } from '../errors.ts'
import { sha256OfFiles, type LocalFile } from '../workspace/local-file.ts'
import { isModuleName } from '../workspace/python/module-name.ts'
import { atCurrentFolder, readFolder } from '../workspace/read-folder.ts'

const MAX_FILES = 500
const MAX_BYTES = 16_000_000

export interface InterfaceFiles {
  /** Its name in the folder. */
  readonly main: string
  readonly files: readonly LocalFile[]
  readonly sha256: string
}

/** Relative paths start at the current folder. Data beside it does not travel: `scoped.upload` brings that. */
export function readInterface(path: string): InterfaceFiles {
  const full = resolve(path)
  const main = basename(full)
  if (extname(main) !== '.py' || !isModuleName(basename(main, '.py'))) {
    throw new SeerError('interface-file', {
      message: `${path} cannot be an interface: it is not a .py file with a name that Python can import.`,
      hint: 'Use letters, digits and underscores: interface.py.',
    })
  }
  const files: LocalFile[] = [{ path: main, bytes: read(full, path) }]
  const folder = dirname(full)
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const place = join(folder, entry.name)
    if (entry.name === main) continue
    if (entry.isSymbolicLink() && (isModule(entry.name) || isPackage(place))) throw linked(place)
    if (entry.isFile() && isModule(entry.name)) files.push({ path: entry.name, bytes: read(place, place) })
    else if (entry.isDirectory() && isPackage(place)) {
      const inside = readFolder(place, `The package ${place}, beside the interface,`, 'interface-file')
      files.push(...inside.map((file) => ({ ...file, path: `${entry.name}/${file.path}` })))
    }
  }
  refuseTooMuch(path, files)
  return { main, files, sha256: sha256OfFiles(files) }
}

function isModule(name: string): boolean {
  return extname(name) === '.py' && isModuleName(basename(name, '.py'))
}

function isPackage(place: string): boolean {
  return isModuleName(basename(place)) && existsSync(join(place, '__init__.py'))
}

/** As in a package. Left out without a word, it would be missed only when it is imported. */
function linked(place: string): SeerError {
  return new SeerError('interface-file', {
    message: `${place}, beside the interface, is a link, and links do not travel with it.`,
    hint: 'Put a copy there, or put the interface into a folder of its own.',
  })
}

function read(full: string, path: string): Uint8Array {
  try {
    if (statSync(full).size > MAX_BYTES) throw new Error(`it is larger than ${size(MAX_BYTES)}`)
    return readFileSync(full)
  } catch (cause) {
    const message = `${path} cannot be read: ${describeError(cause)}`
    throw new SeerError('interface-file', { message, hint: atCurrentFolder(), cause })
  }
}

function refuseTooMuch(path: string, files: readonly LocalFile[]): void {
  const bytes = files.reduce((sum, file) => sum + file.bytes.byteLength, 0)
  if (files.length <= MAX_FILES && bytes <= MAX_BYTES) return
  throw new SeerError('interface-file', {
    message: `Beside ${path} lie ${files.length} Python files of ${size(bytes)}; at most ${MAX_FILES} and ${size(MAX_BYTES)} travel with an interface.`,
    hint: 'Put the interface, and the modules that it imports, into a folder of its own.',
  })
}
