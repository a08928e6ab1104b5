/** The page of a checkout is built once for each state of its sources, whoever asks, and whatever is cut short. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { repository } from './fixtures/place.ts'
import { until } from './fixtures/processes.ts'
import { temporaryFolder } from './temporary-folder.ts'

let checkout: string
let cache: string
beforeEach(() => {
  const root = temporaryFolder('seer build-')
  checkout = join(root, 'a checkout')
  cache = join(root, 'cache')
  for (const name of ['src', 'scripts/build-page.ts', 'package.json', 'package-lock.json', 'tsconfig.json'])
    cpSync(join(repository, name), join(checkout, name), { recursive: true })
  symlinkSync(join(repository, 'node_modules'), join(checkout, 'node_modules'))
  // A small page: what is tested is how it is built.
  rmSync(join(checkout, 'src/page'), { recursive: true })
  write('src/page/index.html', '<!doctype html><script type="module" src="./client/main.tsx"></script>')
  write('src/page/client/main.tsx', `import { render } from 'preact'\nrender(<p>one</p>, document.body)`)
  write(
    'src/page/report/report.tsx',
    `import { renderToString } from 'preact-render-to-string'
    export const renderReport = (input: { run: string }) => renderToString(<p>{input.run}</p>)`,
  )
})

function write(path: string, text: string): void {
  mkdirSync(dirname(join(checkout, path)), { recursive: true })
  writeFileSync(join(checkout, path), text)
}

function start() {
  const code = `const stop = new AbortController()
    process.on('SIGTERM', () => stop.abort())
    const { builtPage } = await import(${JSON.stringify(join(checkout, 'src/cli/built-page.ts'))})
    console.log(await builtPage({ signal: stop.signal }))`
  const child = spawn(process.execPath, ['--conditions=seer-source', '--input-type=module', '-e', code], {
    env: { PATH: process.env['PATH'], SEER_CACHE: cache },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (text) => (output.stdout += String(text)))
  child.stderr.on('data', (text) => (output.stderr += String(text)))
  const ended = once(child, 'close').then(() => ({ ...output, folder: output.stdout.trim(), code: child.exitCode }))
  return { child, ended }
}
const built = () => start().ended
const inCache = () => (existsSync(join(cache, 'page')) ? readdirSync(join(cache, 'page')).sort() : [])

test('two at once build one page, which is whole and needs nothing else', async () => {
  const [one, two] = await Promise.all([built(), built()])
  expect([one.code, two.code]).toEqual([0, 0])
  expect(one.folder).toBe(two.folder)
  expect(one.stderr + two.stderr).toMatch(/waiting for process \d+/)
  expect(inCache()).toEqual([basename(one.folder)])
  expect(readdirSync(one.folder).sort()).toEqual(['.seer-ready.json', 'assets', 'index.html', 'report.js'])
  // Away from the packages that it was made of.
  const away = join(temporaryFolder('seer-away-'), 'report.js')
  cpSync(join(one.folder, 'report.js'), away)
  const { renderReport } = (await import(away)) as { renderReport: (input: { run: string }) => string }
  expect(renderReport({ run: '<a>' })).toBe('<p>&lt;a></p>')
})

test('what is built stays, silently; what it is made of decides whether it is built again', async () => {
  const first = await built()
  expect(first.stderr).toMatch(/^ {2}… page: .*\n {2}✓ page: built \(\d+\.\d s\)\n$/)
  write('src/page/client/main.test.tsx', 'a test is no part of it')
  write('src/viewer/server.ts', '// nor is the server')
  expect(await built()).toMatchObject({ folder: first.folder, stderr: '', code: 0 })
  write('src/run/fold.ts', '// but a fold is')
  const second = await built()
  expect(second.folder).not.toBe(first.folder)
  expect(inCache()).toHaveLength(2)
  // Of those that are not asked for any more, the old ones go.
  utimesSync(second.folder, new Date(), new Date(Date.now() - 8 * 24 * 3600_000))
  write('src/run/fold.ts', '// changed again')
  const third = await built()
  expect(inCache()).toEqual([basename(first.folder), basename(third.folder)].sort())
})

test.each(['SIGKILL', 'SIGTERM'] as const)('a build that ends by %s leaves nothing that counts', async (signal) => {
  const { child, ended } = start()
  await until('the build', () => inCache().some((name) => name.includes('.building-')))
  child.kill(signal)
  await ended
  expect(inCache().filter((name) => /^[0-9a-f]+$/.test(name))).toEqual([])
  if (signal === 'SIGTERM') await until('an empty cache', () => inCache().length === 0)
  const { folder, code } = await built()
  expect(code).toBe(0)
  expect(inCache()).toEqual([basename(folder)])
})

test('a page that cannot be built says why, in a few words', async () => {
  write('src/page/client/main.tsx', `import { x } from './nowhere.ts'\nx()`)
  const { code, stderr } = await built()
  expect(code).toBe(1)
  expect(stderr).toContain('page-build-failed')
  expect(stderr).toMatch(/Could not resolve '\.\/nowhere\.ts' in src\/page\/client\/main\.tsx/)
  // oxlint-disable-next-line no-control-regex
  expect(stderr).not.toMatch(/\x1b/)
  expect(inCache()).toEqual([])
})

test('a page that was brought built is taken as it is', async () => {
  write('src/page/report.js', '')
  expect(await built()).toMatchObject({ folder: join(checkout, 'src/page'), stderr: '' })
  expect(inCache()).toEqual([])
})
