import { readFileSync } from 'node:fs'
import { type LoadHookSync, registerHooks, type ResolveHookSync, stripTypeScriptTypes } from 'node:module'
import { fileURLToPath } from 'node:url'

// Node by itself refuses an experiment under node_modules, beside a commonjs package.json, or anywhere that `seer-interp` is not
// installed. With these hooks the same file runs in the checkout, in the package and in any copied folder.

const SELF = 'seer-interp'
/** What an experiment may import without installing it: its params are a zod object. */
const LENT = /^zod(\/|$)/
const TYPESCRIPT = /\.m?ts$/

const ownSources = new URL('../', import.meta.url).href
const ownIndex = new URL(import.meta.url.endsWith('.ts') ? '../index.ts' : '../index.js', import.meta.url).href

let registered = false

/** From now on, in this process: `seer-interp` is this installation, and every `.ts` outside it is an ES module with types stripped. */
export function registerExperimentHooks(): void {
  if (registered) return
  registered = true
  registerHooks({ resolve: resolveSpecifier, load: loadTypeScript })
}

const resolveSpecifier: ResolveHookSync = (specifier, context, next) => {
  if (specifier === SELF) return { url: ownIndex, shortCircuit: true }
  if (!LENT.test(specifier)) return next(specifier, context)
  try {
    return next(specifier, context)
  } catch {
    return next(specifier, { ...context, parentURL: ownIndex })
  }
}

const loadTypeScript: LoadHookSync = (url, context, next) => {
  const { protocol, pathname } = new URL(url)
  if (protocol !== 'file:' || !TYPESCRIPT.test(pathname) || url.startsWith(ownSources)) return next(url, context)
  return { format: 'module', source: strip(fileURLToPath(url)), shortCircuit: true }
}

function strip(path: string): string {
  // Stripping keeps every line and column, so that stack traces need no source map. Its "experimental" warning tells a researcher nothing.
  // oxlint-disable-next-line typescript/unbound-method -- put back as it was, never called
  const warn = process.emitWarning
  process.emitWarning = () => {}
  try {
    return stripTypeScriptTypes(readFileSync(path, 'utf8'))
  } catch (error) {
    // The stripper knows the line (its stack begins with `:12`) and not the file.
    if (error instanceof Error && error.stack?.startsWith(':')) error.stack = `${path}${error.stack}`
    throw error
  } finally {
    process.emitWarning = warn
  }
}
