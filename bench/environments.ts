/**
 * The standard environment: made by Seer, against `python -m venv` and `pip install` of the same requirements; then asked for once more
 * when it is there. In turns. What is downloaded is kept by uv and pip, so the first round may show a first time.
 */
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { cacheRoot } from '../src/environment/cache.ts'
import { findPython } from '../src/environment/find-python.ts'
import { readPipConfig } from '../src/environment/package-index.ts'
import { ensureEnvironment } from '../src/environment/python-environment.ts'
import { composeRequirements, packageName } from '../src/environment/requirements.ts'
import { runTool } from '../src/environment/run-tool.ts'
import { machineLine, quantile } from './setting.ts'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } })
const rounds = Number(values.rounds)
const HITS = 30
const TORCH_INDEX = 'https://download.pytorch.org/whl/cpu'

type Seconds = { readonly made: number; readonly again: number }

const python = await findPython()
const root = await mkdtemp(join(tmpdir(), 'seer-bench-'))
const requirements = join(root, 'requirements.txt')
await writeFile(requirements, await asPipFindsThem())
try {
  const ours: Seconds[] = []
  const theirs: Seconds[] = []
  console.log('| round | Seer s | venv and pip s | ratio | Seer again ms | pip again ms |')
  console.log('|---|---|---|---|---|---|')
  for (let i = 0; i < rounds; i++) {
    if (i % 2 === 0) ours.push(await bySeer(i))
    theirs.push(await byPip(i))
    if (i % 2 === 1) ours.push(await bySeer(i))
    const [seer, pip] = [ours[i]!, theirs[i]!]
    const times = [seer.made.toFixed(1), pip.made.toFixed(1), (seer.made / pip.made).toFixed(2)]
    console.log(`| ${[i + 1, ...times, (seer.again * 1000).toFixed(1), (pip.again * 1000).toFixed(0)].join(' | ')} |`)
  }
  const ratios = ours.map(({ made }, i) => made / theirs[i]!.made)
  console.log(`\nmedian ratio ${quantile(ratios, 0.5).toFixed(2)}; ${machineLine()}, Python ${python.version}`)
} finally {
  await rm(root, { recursive: true, force: true })
}

async function bySeer(round: number): Promise<Seconds> {
  const cache = join(root, `cache-${round}`)
  const env = { ...process.env, SEER_CACHE: cache }
  await mkdir(cache)
  await symlink(join(cacheRoot(), 'tools'), join(cache, 'tools'))
  const made = await timed(() => ensureEnvironment({}, { env }))
  const hits: number[] = []
  for (let i = 0; i < HITS; i++) hits.push(await timed(() => ensureEnvironment({}, { env })))
  await rm(cache, { recursive: true })
  return { made, again: quantile(hits, 0.5) }
}

async function byPip(round: number): Promise<Seconds> {
  const folder = join(root, `venv-${round}`)
  const pip = join(folder, 'bin', 'pip')
  const install = [pip, 'install', '--quiet', '--requirement', requirements] as const
  const made = await timed(async () => {
    await run(python.executable, '-m', 'venv', folder)
    await run(...install)
  })
  const again = await timed(() => run(...install))
  await rm(folder, { recursive: true })
  return { made, again }
}

/** The same build of torch as Seer has: from a folder of wheels that pip knows, or from torch's own index. */
async function asPipFindsThem(): Promise<string> {
  const { lock } = await ensureEnvironment()
  const torch = (await readFile(lock, 'utf8')).split('\n').find((line) => packageName(line) === 'torch')!
  const lines = (await composeRequirements()).map((line) => (packageName(line) === 'torch' ? torch : line))
  // An index that cannot be reached would cost pip a minute of trying.
  const { findLinks } = await readPipConfig(python, {})
  return [...(findLinks.length > 0 ? [] : [`--extra-index-url ${TORCH_INDEX}`]), ...lines, ''].join('\n')
}

async function run(...argv: [string, ...string[]]): Promise<void> {
  const { exitCode, stderr } = await runTool(argv, { env: process.env, cwd: root })
  if (exitCode !== 0) throw new Error(`${argv.join(' ')}: ${stderr}`)
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return (performance.now() - startedAt) / 1000
}
