/** A folder of the researcher's (a package, a skill), whole: small enough to travel with each run, and nothing from outside it. */
import { readdirSync, readFileSync, statSync, type Dirent } from 'node:fs'
import { join, resolve } from 'node:path'
import { size } from '../amounts.ts'
import { describeError, SeerError } from '../errors.ts'
import type { LocalFile } from './local-file.ts'

export const MAX_FILES = 2000
export const MAX_BYTES = 64_000_000

/** Left by version control, editors, test tools and Python itself. */
const LEFT_OUT = new Set(
  `__pycache__ .git .hg .svn .DS_Store Thumbs.db .idea .vscode .venv node_modules
  .ipynb_checkpoints .mypy_cache .pytest_cache .ruff_cache`.split(/\s+/),
)
const LEFTOVER = /\.py[co]$|\.sw[op]$|~$|^\.#|^#.*#$/
/** `.env`, `.env.local`, …: no sandbox is to have keys that it was not given by name. */
const KEYS = /^\.env(\.(?!example$)|$)/

/** Ordered by path. `what` begins the errors (`The skill ./x`), whose code is `code`. */
export function readFolder(folder: string, what: string, code: string): LocalFile[] {
  const root = resolve(folder)
  const files: LocalFile[] = []
  let total = 0
  const refuse = (message: string, hint?: string, cause?: unknown): never => {
    throw new SeerError(code, { message: `${what} ${message}`, ...(hint === undefined ? {} : { hint }), cause })
  }
  visit('')
  return files.sort((a, b) => (a.path < b.path ? -1 : 1))

  function visit(path: string): void {
    for (const entry of entriesOf(path)) {
      if (LEFT_OUT.has(entry.name) || LEFTOVER.test(entry.name) || KEYS.test(entry.name)) continue
      const inside = path === '' ? entry.name : `${path}/${entry.name}`
      // A line of a manifest is one file, and a slash the only thing that parts names.
      if (/[\p{Cc}\\\uFFFD]/u.test(entry.name))
        refuse(`has a file whose name cannot travel: ${JSON.stringify(inside)}.`, 'Rename it.')
      if (entry.isDirectory()) visit(inside)
      else if (entry.isFile()) take(inside)
      else if (entry.isSymbolicLink()) refuse(`has a link in it, ${inside}.`, 'Put a copy in its place.')
      else refuse(`has something in it that is no file: ${inside}.`, 'Take it out.')
    }
  }

  function entriesOf(path: string): Dirent[] {
    try {
      return readdirSync(join(root, path), { withFileTypes: true })
    } catch (cause) {
      return refuse(`cannot be read: ${describeError(cause)}`, atCurrentFolder(), cause)
    }
  }

  function take(path: string): void {
    const full = join(root, path)
    try {
      total += statSync(full).size
      if (files.length === MAX_FILES || total > MAX_BYTES) {
        const most = `${MAX_FILES} files and ${size(MAX_BYTES)}`
        refuse(`is larger than ${most}, which is the most that travels with a run.`, 'Name large data in `localDirs`.')
      }
      files.push({ path, bytes: readFileSync(full) })
    } catch (cause) {
      if (cause instanceof SeerError) throw cause
      refuse(`has a file that cannot be read, ${path}: ${describeError(cause)}`, undefined, cause)
    }
  }
}

export function atCurrentFolder(): string {
  return `Relative paths start at the current folder, ${process.cwd()}.`
}
