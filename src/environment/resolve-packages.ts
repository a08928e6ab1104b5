import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeerError } from '../errors.ts'
import { cudaPackages, withCpuTorch } from './requirements.ts'
import { runTool, type ToolResult } from './run-tool.ts'
import { toolFailure } from './setup-failure.ts'
import type { Uv } from './uv.ts'

type ResolveOptions = {
  uv: Uv
  python: string
  requirements: string[]
  /** A folder for the files that uv reads and writes. */
  folder: string
  env: NodeJS.ProcessEnv
  hasFindLinks: boolean
  signal?: AbortSignal | undefined
}

export type Resolution = {
  file: string
  lines: string[]
  /** The arguments by which uv finds the same torch again when it installs. */
  torchArgs: string[]
}

/**
 * Every package with its exact version, before anything large is fetched. torch is the CPU build: first from pip's
 * find-links if it has one, else from torch's own index. A resolution with CUDA in it is refused.
 */
export async function resolvePackages(options: ResolveOptions): Promise<Resolution> {
  const { requirements } = options
  if (options.hasFindLinks) {
    const fromLinks = await compile(options, withCpuTorch(requirements), [])
    if (fromLinks.result.exitCode === 0) return checked(fromLinks, options)
    // No such wheel there: the way of everyone else. Any other failure is the answer.
    if (!/torch==\S*\+cpu/.test(fromLinks.result.stderr)) throw failure(fromLinks.result, options)
  }
  const fromIndex = await compile(options, requirements, ['--torch-backend=cpu'])
  if (fromIndex.result.exitCode === 0) return checked(fromIndex, options)
  throw failure(fromIndex.result, options)
}

type Compiled = { result: ToolResult; file: string; torchArgs: string[] }

async function compile(options: ResolveOptions, requirements: string[], torchArgs: string[]): Promise<Compiled> {
  const wanted = join(options.folder, 'requirements.in')
  const file = join(options.folder, 'resolved.txt')
  await writeFile(wanted, `${requirements.join('\n')}\n`)
  const settings = ['--no-header', '--no-annotate', '--no-emit-index-url', '--no-emit-find-links', ...torchArgs]
  const files = [wanted, '--output-file', file]
  const result = await runTool([options.uv.path, 'pip', 'compile', '--python', options.python, ...settings, ...files], {
    env: options.env,
    cwd: tmpdir(),
    signal: options.signal,
  })
  return { result, file, torchArgs }
}

async function checked({ file, torchArgs }: Compiled, options: ResolveOptions): Promise<Resolution> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line && !line.startsWith('#'))
  const cuda = cudaPackages(lines)
  if (cuda.length > 0) {
    throw new SeerError('setup-failed', {
      message: `these packages would bring CUDA with them, which the CPU environment must not hold: ${cuda.join(', ')}`,
      hint: `look which of the packages asked for needs them: ${options.requirements.join(', ')}`,
    })
  }
  return { file, lines, torchArgs }
}

function failure(result: ToolResult, options: ResolveOptions): SeerError {
  const conflict = /No solution found/i.test(result.stderr)
  const error = toolFailure({
    tool: 'uv',
    doing: 'working out the Python packages',
    needed: options.requirements.join(', '),
    path: options.folder,
    result,
  })
  if (!conflict || error.code !== 'setup-failed') return error
  const hint =
    'change the versions in `pythonPackages`: a version given there replaces the one that Seer is tested with'
  return new SeerError('setup-failed', { message: error.message, hint })
}
