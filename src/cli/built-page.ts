/**
 * The built page: the folder with `index.html`, `assets/` and the report's renderer `report.js`. The npm package brings it; in a
 * checkout it is built once for each state of its sources, into the cache.
 */
import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { readdir, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { buildOnce, cacheRoot } from '../environment/cache.ts'
import { showProgress, startStep, type SetupContext } from '../environment/progress.ts'
import { runTool } from '../environment/run-tool.ts'

const BUILDER = 'scripts/build-page.ts'
/** What the built page is made of, from the checkout's root. */
const SOURCES = ['src/{page,run,notebook}/**/*', 'src/*.ts', BUILDER, 'package-lock.json']
const KEPT_UNUSED_MS = 7 * 24 * 3600_000

export async function builtPage(context: SetupContext = {}): Promise<string> {
  const brought = fileURLToPath(new URL('../page', import.meta.url))
  if (existsSync(join(brought, 'report.js'))) return brought
  const checkout = fileURLToPath(new URL('../..', import.meta.url))
  const all = join(cacheRoot(context.env), 'page')
  const folder = join(all, sourcesHash(checkout))
  using progress = showProgress()
  const step = startStep({ progress, ...context }, 'page')
  const { built } = await buildOnce(folder, {
    schema: z.object({}),
    signal: context.signal,
    onWait: (holder) => step.update(`waiting for ${holder}, which is building it`),
    async build(into) {
      step.update('building it, once for this version')
      await runBuilder(checkout, into, context)
      return {}
    },
  })
  await utimes(folder, new Date(), new Date()).catch(() => undefined)
  if (built) await removeUnused(all)
  step.done('built')
  return folder
}

async function runBuilder(checkout: string, into: string, { signal, env = process.env }: SetupContext): Promise<void> {
  const { exitCode, stderr } = await runTool([process.execPath, join(checkout, BUILDER), into, String(process.pid)], {
    env,
    cwd: checkout,
    signal,
  })
  if (exitCode === 0) return
  throw new SeerError('page-build-failed', {
    message: `The page could not be built: ${stripVTControlCharacters(stderr).trim().slice(-2000)}`,
    hint: 'If src/page is as it was: are the npm packages those of package-lock.json? ./seer sees to that.',
  })
}

function sourcesHash(checkout: string): string {
  const hash = createHash('sha256')
  const files = globSync(SOURCES, { cwd: checkout, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/\.test\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
  for (const path of files.sort()) {
    const bytes = readFileSync(path)
    hash.update(`${path.slice(checkout.length)} ${bytes.length}\n`).update(bytes)
  }
  return hash.digest('hex').slice(0, 16)
}

/** Earlier versions that nothing has asked for in a while, and what a build that was killed has left. */
async function removeUnused(all: string): Promise<void> {
  for (const name of await readdir(all).catch(() => [])) {
    const path = join(all, name)
    const usedMs = (await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now()
    if (Date.now() - usedMs > KEPT_UNUSED_MS) await rm(path, { recursive: true, force: true })
  }
}
