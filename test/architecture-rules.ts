import { builtinModules } from 'node:module'
import { dirname, normalize } from 'node:path/posix'

/** Top to bottom; folders in one row are siblings. An import goes to a lower row or stays in its folder. */
const LAYERS = [
  ['cli'],
  ['index'],
  ['experiment'],
  ['harness', 'viewer', 'report'],
  ['page'],
  ['session'],
  ['interface', 'jupyter'],
  ['mcp'],
  ['tools'],
  ['workspace', 'kernel'],
  ['environment'],
  ['channel'],
  ['sandbox'],
  ['run'],
  ['notebook'],
  ['errors'],
]

/** These draw what a run's log says and nothing else. */
const ONLY_SEE: Record<string, string[]> = {
  viewer: ['page', 'run', 'notebook', 'errors'],
  report: ['page', 'run', 'notebook', 'errors'],
  page: ['run', 'notebook', 'errors'],
}

/** Python packages on the two sides of the sandbox's wall: neither may lean on the other. */
const APART = [
  ['seer_kernel', 'seer_host'],
  ['seer_host', 'seer_kernel'],
] as const

const MAX_LINES = 400

/** Path from the checkout's root → text. */
export type Files = Map<string, string>

interface Packages {
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
  peerDependencies?: Record<string, string>
}

export function layerViolations(files: Files): string[] {
  return sources(files).flatMap(([path, text]) => {
    const from = layerOf(path)
    const row = rowOf(from)
    if (row < 0) return [`${path}: the folder ${from} is not in the layer table`]
    return importsOf(text)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => layerOf(normalize(`${dirname(path)}/${specifier}`)))
      .filter((to) => to !== from && (rowOf(to) <= row || !(ONLY_SEE[from]?.includes(to) ?? true)))
      .map((to) => `${path}: ${from} may not import ${to}`)
  })
}

export function dependencyViolations(files: Files, packages: Packages): string[] {
  const installed = { ...packages.dependencies, ...packages.peerDependencies }
  const bundled = { ...packages.dependencies, ...packages.devDependencies }
  return sources(files).flatMap(([path, text]) => {
    const declared = layerOf(path) === 'page' ? bundled : installed
    return importsOf(text)
      .filter((specifier) => !specifier.startsWith('.') && !specifier.startsWith('node:'))
      .map((specifier) => specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/'))
      .filter((name) => !(name in declared))
      .map(
        (name) =>
          `${path}: ${name} is ${builtinModules.includes(name) ? 'to be imported as node:' : 'no dependency of package.json: '}${name}`,
      )
  })
}

export function exportViolations(files: Files): string[] {
  return sources(files).flatMap(([path, text]) => [
    ...(/^export default\b/m.test(text) ? [`${path}: export default`] : []),
    ...(/^export (type )?\*/m.test(text) ? [`${path}: export *`] : []),
  ])
}

/** What users copy may be named as they would name it. */
export function nameViolations(files: Files): string[] {
  const ours = [...files.keys()].filter((path) => !path.startsWith('experiments/'))
  return ours.filter((path) => /(^|\/)(utils?|common|helpers?)(\/|\.\w+$)|(^|\/)types\.ts$/.test(path))
}

export function lengthViolations(files: Files): string[] {
  return [...files].filter(([, text]) => lines(text) > MAX_LINES).map(([path, text]) => `${path}: ${lines(text)} lines`)
}

export function pythonViolations(files: Files): string[] {
  return APART.flatMap(([inside, forbidden]) =>
    [...files]
      .filter(([path]) => path.startsWith(`python/${inside}/`) && path.endsWith('.py'))
      .filter(([, text]) => new RegExp(`^\\s*(from|import)\\s+${forbidden}\\b`, 'm').test(text))
      .map(([path]) => `${path}: ${inside} may not import ${forbidden}`),
  )
}

/** The names that `src/index.ts` lists, one a line, types marked. */
export function publicNames(index: string): string {
  const lists = [...index.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, type, list]) =>
    (list ?? '')
      .replaceAll(/\/\/.*$/gm, '')
      .split(',')
      .map((item) => item.trim())
      .filter(Boolean)
      .map(
        (item) =>
          (type ?? (item.startsWith('type ') ? 'type ' : '')) + item.replace(/^type /, '').replace(/^.* as /, ''),
      ),
  )
  const direct = [...index.matchAll(/^export (?:async )?(?:function|const|class|interface|type) (\w+)/gm)].map(
    ([, name]) => name,
  )
  return [...lists, ...direct].sort((a = '', b = '') => (a < b ? -1 : 1)).join('\n') + '\n'
}

export function medianLines(files: Files): number {
  const sorted = sources(files)
    .map(([, text]) => lines(text))
    .sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

// Tests may look at anything; the rules are for what ships.
function sources(files: Files): [string, string][] {
  return [...files].filter(([path]) => path.startsWith('src/') && /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path))
}

function importsOf(text: string): string[] {
  const found = [
    /^\s*(?:import|export)\s[\w\s{},*$]*?from\s*['"]([^'"]+)['"]/gm,
    /^\s*import\s*['"]([^'"]+)['"]/gm,
    /\bimport\(\s*['"]([^'"]+)['"]/g,
  ]
  return found.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ''))
}

// Files directly in src/ (errors.ts and its like) are the bottom; src/index.ts is the public face.
function layerOf(path: string): string {
  const [, folder = ''] = path.split('/')
  if (folder === 'index.ts') return 'index'
  return folder.endsWith('.ts') ? 'errors' : folder
}

function rowOf(layer: string): number {
  return LAYERS.findIndex((row) => row.includes(layer))
}

function lines(text: string): number {
  return text.trimEnd().split('\n').length
}
