import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  dependencyViolations,
  exportViolations,
  type Files,
  layerViolations,
  lengthViolations,
  medianLines,
  nameViolations,
  publicNames,
  pythonViolations,
} from './architecture-rules.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const files: Files = new Map(
  globSync(['{src,python,experiments,test,bench,launcher,bin}/**/*.{ts,tsx,js,mjs,py,sh}', 'scripts/*', 'seer'], {
    cwd: root,
    exclude: ['**/node_modules', '**/__pycache__', '**/outputs', '**/.*'],
  }).map((path) => [path, read(path)]),
)
const packages = JSON.parse(read('package.json')) as Record<'dependencies' | 'devDependencies', Record<string, string>>

test('imports go down the layers', () => expect(layerViolations(files)).toEqual([]))
test('what src/ imports is a dependency', () => expect(dependencyViolations(files, packages)).toEqual([]))
test('exports are named, one by one', () => expect(exportViolations(files)).toEqual([]))
test('nothing is named utils, common, helpers or types', () => expect(nameViolations(files)).toEqual([]))
test('no file is over 400 lines', () => expect(lengthViolations(files)).toEqual([]))
test('the two sides of the wall share no Python', () => expect(pythonViolations(files)).toEqual([]))

test('the public names are those on record', async () => {
  // After a change on purpose: vitest run --project unit test/architecture.test.ts -u
  await expect(publicNames(read('src/index.ts'))).toMatchFileSnapshot('./public-api.txt')
})

test('the lock file fits package.json and names no registry', () => {
  const lock = JSON.parse(read('package-lock.json')) as {
    packages: Record<string, typeof packages & { resolved?: string }>
  }
  expect(lock.packages['']).toMatchObject({
    dependencies: packages.dependencies,
    devDependencies: packages.devDependencies,
  })
  expect(Object.values(lock.packages).filter((entry) => entry.resolved)).toEqual([])
  const pins = Object.values({ ...packages.dependencies, ...packages.devDependencies })
  expect(pins.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
})

test('the median file of src/ is short', async ({ annotate }) => {
  await annotate(`median of src/: ${medianLines(files)} lines (aim: under 100)`)
  expect(medianLines(files)).toBeGreaterThan(0)
})

// Each rule must be able to fail.
describe('a planted fault is found', () => {
  const plant = (path: string, text: string): Files => new Map([[path, text]])

  test.for([
    ['up', 'src/run/a.ts', `import { x } from '../kernel/b.ts'`],
    ['to a sibling', 'src/kernel/a.ts', `import type {\n  X,\n} from '../workspace/b.ts'`],
    ['from the page to its server', 'src/page/a.tsx', `import { x } from '../viewer/b.ts'`],
    ['past what the page may see', 'src/page/a.tsx', `import { x } from '../environment/b.ts'`],
    ['past what the viewer may see', 'src/viewer/a.ts', `export { x } from '../kernel/b.ts'`],
    ['by a dynamic import', 'src/tools/a.ts', `const x = await import('../cli/b.ts')`],
    ['from the bottom', 'src/errors.ts', `import '../src/run/b.ts'`],
    ['from an unknown folder', 'src/other/a.ts', ''],
  ] as const)('an import that goes %s', ([, path, text]) => expect(layerViolations(plant(path, text))).toHaveLength(1))

  test('and an import down is none', () =>
    expect(
      layerViolations(plant('src/cli/a.ts', `import { x } from '../errors.ts'\nimport { y } from '../run/y.ts'`)),
    ).toEqual([]))

  test.for([
    ['an undeclared package', `import x from '@scope/name/sub'`, '@scope/name'],
    ['a package that only the page bundles', `import x from 'preact'`, 'preact'],
    ['a builtin without node:', `import fs from 'fs'`, 'node:fs'],
  ] as const)('%s', ([, text, name]) =>
    expect(dependencyViolations(plant('src/run/a.ts', text), packages)[0]).toContain(name),
  )

  test('and what the page bundles is none there', () =>
    expect(dependencyViolations(plant('src/page/a.tsx', `import x from 'preact/hooks'`), packages)).toEqual([]))

  test('export default and export *', () =>
    expect(exportViolations(plant('src/run/a.ts', `export default 1\nexport * from './b.ts'`))).toHaveLength(2))
  test('a folder of helpers', () => expect(nameViolations(plant('src/helpers/a.ts', ''))).toHaveLength(1))
  test('401 lines', () => expect(lengthViolations(plant('bench/a.ts', 'x\n'.repeat(401)))).toHaveLength(1))
  test('a look through the wall', () =>
    expect(pythonViolations(plant('python/seer_kernel/a.py', 'from seer_host.spool import x'))).toHaveLength(1))
  test('a public name that came or went', () =>
    expect(publicNames(`export { a, type B } from './a.ts'\nexport type { C as D } from './c.ts'`)).toBe(
      'a\ntype B\ntype D\n',
    ))
})
