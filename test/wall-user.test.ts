/**
 * Where root runs the tests, the wall is tried by an ordinary user, too: the same suites, in mounts of their own that show that user
 * what it needs. An ordinary user's own run of the suites says the same.
 */
import { spawn } from 'node:child_process'
import { chownSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { cacheRoot } from '../src/environment/cache.ts'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { interpreterMounts } from '../src/sandbox/local/wall/interpreter.ts'

const USER = 4242
const root = join(import.meta.dirname, '..')

/** A home, and a cache with a model of its own: a link to another user's file cannot be made. */
function makeHome(folder: string): void {
  for (const name of ['home', 'cache', 'cache/models', 'tmp']) mkdirSync(join(folder, name))
  for (const name of ['environments', 'tools', 'python.json'])
    symlinkSync(join(cacheRoot(), name), join(folder, 'cache', name))
  cpSync(join(cacheRoot(), 'models'), join(folder, 'cache/models'), { recursive: true })
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (!entry.isSymbolicLink()) chownSync(join(entry.parentPath, entry.name), USER, USER)
  chownSync(folder, USER, USER)
}

test.runIf(process.getuid?.() === 0)(
  'root’s tests of the wall, as an ordinary user',
  { timeout: 600_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'seer-user-'))
    try {
      makeHome(folder)
      const { python } = await ensureEnvironment()
      const [base = python] = interpreterMounts(python, '/none').map(({ target }) => target)
      const shown = [base, cacheRoot(), dirname(dirname(process.execPath)), root]
      const suites = ['test/wall.test.ts', 'test/wall-probes.test.ts', 'src/sandbox']
      const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--configLoader', 'native', '--no-cache', ...suites]
      const report = join(folder, 'report.json')
      const child = spawn(
        python,
        [
          join(import.meta.dirname, 'fixtures/as_user.py'),
          ...shown,
          '--',
          process.execPath,
          ...vitest,
          '--reporter=default',
          '--reporter=json',
          `--outputFile.json=${report}`,
        ],
        {
          cwd: root,
          env: {
            PATH: process.env['PATH'],
            HOME: join(folder, 'home'),
            TMPDIR: join(folder, 'tmp'),
            SEER_CACHE: join(folder, 'cache'),
            OMP_WAIT_POLICY: 'passive',
            OMP_NUM_THREADS: '1',
            NO_COLOR: '1',
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      )
      let said = ''
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
      const code = await new Promise((resolve) => child.once('close', resolve))
      expect({ code, said: code === 0 ? '' : said.slice(-4000) }).toEqual({ code: 0, said: '' })
      const { numPassedTests, numFailedTests } = JSON.parse(readFileSync(report, 'utf8')) as Record<string, number>
      console.log(`as an ordinary user: ${numPassedTests} passed`)
      expect(numFailedTests).toBe(0)
      expect(numPassedTests).toBeGreaterThan(100)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
)
