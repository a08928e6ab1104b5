/** What `seer new` writes beside a copied experiment, so that it can be run, edited and read. */
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const HERE = resolve(import.meta.dirname, '../..')

/** This Seer, to be called from any folder. */
export function seerPath(script = process.argv[1] ?? ''): string {
  if (basename(script) !== 'seer') return quoted(join(HERE, existsSync(join(HERE, 'seer')) ? 'seer' : 'bin/seer.js'))
  // `npx seer` elsewhere would fetch another package of that name.
  return basename(dirname(script)) === '.bin' ? quoted(script) : 'seer'
}

/** Name to content. */
export function newFiles(about: {
  name: string
  from: string
  seer: string
  profiles: readonly string[]
  hasModel: boolean
  toolkit: readonly string[]
}): Record<string, string> {
  return { 'package.json': packageJson(about.name), 'tsconfig.json': tsconfig(), 'README.md': readme(about) }
}

function packageJson(folder: string): string {
  const name = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
  return json({ name: name || 'experiment', private: true, type: 'module' })
}

/** For editors: Seer strips the types and needs no such file. Its rules are those under which stripping works. */
function tsconfig(): string {
  const require = createRequire(import.meta.url)
  return json({
    compilerOptions: {
      target: 'esnext',
      lib: ['esnext'],
      module: 'nodenext',
      moduleDetection: 'force',
      noEmit: true,
      allowImportingTsExtensions: true,
      verbatimModuleSyntax: true,
      erasableSyntaxOnly: true,
      strict: true,
      skipLibCheck: true,
      types: ['node'],
      typeRoots: [resolve(dirname(require.resolve('@types/node/package.json')), '..')],
      paths: {
        'seer-interp': [types(new URL('../index.ts', import.meta.url).href)],
        zod: [types(import.meta.resolve('zod'))],
      },
    },
    include: ['**/*.ts'],
    exclude: ['node_modules', 'outputs'],
  })
}

/** The source itself in a checkout, else the declarations that lie beside the JavaScript. */
function types(url: string): string {
  const path = fileURLToPath(url)
  return existsSync(path) && path.endsWith('.ts') ? path : path.replace(/\.[jt]s$/, '.d.ts')
}

function readme({ name, from, seer, profiles, hasModel, toolkit }: Parameters<typeof newFiles>[0]): string {
  const commands = [
    ['run .', 'without a key: plays the recording, and refuses where the copy no longer is what was recorded'],
    ['run . --provider claude --record', 'a live agent (needs ANTHROPIC_API_KEY), kept as the new recording'],
    ['run . --set key=value', 'another value of a parameter; they stand in experiment.ts'],
    ...profiles.slice(1).map((profile) => [`run . --profile ${profile}`, 'a named set of them']),
    ...(hasModel ? [['run . --subject MODEL', 'another model under study']] : []),
    ['show latest', 'the story of the last run'],
    ['results latest > results.csv', 'the rows that the agent’s code recorded'],
  ] as [string, string][]
  const width = Math.max(...commands.map(([command]) => command.length))
  const python = toolkit.length > 0 ? ', `toolkit/` (Python that the agent imports)' : ''
  return `# ${name}

A copy of Seer's experiment \`${from}\`. Change \`experiment.ts\` (parameters, code), \`task.md\` (what the agent is told)${python}.
\`seer\` is \`${seer}\` here; \`tsconfig.json\` is for editors and names the same Seer. More: ${join(HERE, 'docs/experiments.md')}

${commands.map(([command, what]) => `    seer ${command.padEnd(width)}   # ${what}`).join('\n')}
`
}

/** A path as a shell takes it. */
export function quoted(path: string): string {
  return /^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
