import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

// Vitest loads modules by its own rules, so every case runs in a Node process of its own, against a small installation that has
// the real loader and an index of one class.

const experiment = `
import { SeerError as Theirs } from 'seer-interp'
import { z } from 'zod'
import { double } from './lib/double.ts'
const shape: z.ZodType = z.object({ layer: z.number() })
export default { sum: double(21 as number), parsed: shape.parse({ layer: 3 }), Theirs }
`

let root: string
let installation: string

beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'seer load ü-')))
  installation = join(root, 'installation')
  write(join(installation, 'package.json'), '{ "name": "seer-interp", "type": "module" }')
  const src = join(import.meta.dirname, '..')
  for (const file of ['cli/load.ts', 'cli/load-hooks.ts', 'errors.ts', 'did-you-mean.ts']) {
    cpSync(join(src, file), join(installation, 'src', file))
  }
  write(join(installation, 'src/index.ts'), `export { SeerError } from './errors.ts'`)
  cpSync(join(src, '../node_modules/zod'), join(installation, 'node_modules/zod'), { recursive: true })
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

test.for([
  ['inside the checkout', 'installation/experiments/mine', undefined],
  ['in an empty folder', 'elsewhere/mine', undefined],
  ['beside a commonjs package.json', 'commonjs/mine', '{ "name": "x", "type": "commonjs" }'],
  ['under node_modules', 'project/node_modules/pack/experiments/mine', '{ "name": "pack" }'],
] as const)('an experiment runs %s', async ([, folder, packageJson]) => {
  const path = writeExperiment(folder, experiment)
  if (packageJson) write(join(path, 'package.json'), packageJson)
  const { stdout, stderr } = await load(path)
  expect(JSON.parse(stdout)).toEqual({ value: { sum: 42, parsed: { layer: 3 } }, sameClass: true })
  expect(stderr).toBe('')
})

test('the file may be named instead of its folder', async () => {
  const path = writeExperiment('by-file/mine', experiment)
  expect(JSON.parse((await load(join(path, 'experiment.ts'))).stdout)).toMatchObject({ value: { sum: 42 } })
})

test.for([
  ['a missing file', undefined, { code: 'experiment-not-found', hint: /experiment\.ts/ }],
  ['no default export', 'export const run = 1', { code: 'experiment-no-default', hint: /export default/ }],
  ['a syntax error', 'const a = 1\nconst b = = 2', { code: 'experiment-syntax', message: /experiment\.ts:2/ }],
  [
    'an enum',
    '\nenum Colour { Red }',
    { code: 'experiment-syntax', message: /experiment\.ts:2/, hint: /unions for enums/ },
  ],
  ['an import that is not there', `import './nope.ts'`, { code: 'experiment-import', message: /nope\.ts/ }],
  [
    'code that throws',
    `\n\nthrow new Error('boom')`,
    { code: 'experiment-failed', message: /boom/, hint: /experiment\.ts:3/ },
  ],
] as const)('%s is an error that says what to do', async ([name, source, expected]) => {
  const folder = `faults/${name}`
  if (source !== undefined) writeExperiment(folder, source)
  const { error } = JSON.parse((await load(join(root, folder))).stdout) as { error: unknown }
  expect(error).toMatchObject({
    ...expected,
    message: expect.stringMatching('message' in expected ? expected.message : /./),
    hint: expect.stringMatching('hint' in expected ? expected.hint : /./),
  })
})

test('a name that is nearly right is suggested', async () => {
  writeExperiment('near/steering', experiment)
  const { error } = JSON.parse((await load(join(root, 'near/stering'))).stdout) as { error: { message: string } }
  expect(error.message).toContain('did you mean "steering"?')
})

async function load(path: string) {
  const child = `
    import { loadExperiment } from ${JSON.stringify(join(installation, 'src/cli/load.ts'))}
    import { SeerError } from ${JSON.stringify(join(installation, 'src/errors.ts'))}
    try {
      const { Theirs, ...value } = await loadExperiment(${JSON.stringify(path)})
      console.log(JSON.stringify({ value, sameClass: Theirs === SeerError }))
    } catch (error) {
      console.log(JSON.stringify({ error: { ...error, message: error.message } }))
    }`
  return promisify(execFile)(process.execPath, ['--input-type=module', '--eval', child], { cwd: root })
}

function writeExperiment(folder: string, source: string): string {
  const path = join(root, folder)
  write(join(path, 'experiment.ts'), source)
  write(join(path, 'lib/double.ts'), 'export const double = (x: number): number => 2 * x')
  return path
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
