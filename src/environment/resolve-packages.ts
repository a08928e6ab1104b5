import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SeerError } from '../errors.ts'
import { cudaPackages, withCpuTorch } from './requirements.ts'
import { runTool, type ToolResult } from './run-tool.ts'
import { toolFailure } from './setup-failure.ts'
import type { Uv } from './uv.ts'

/** `auto`: uv looks which driver the machine has, and takes the build for it. */
export type TorchBuild = 'cpu' | 'auto'

type ResolveOptions = {
  uv: Uv
  python: string
  requirements: string[]
  /** A folder for the files that uv reads and writes. */
  folder: string
  env: NodeJS.ProcessEnv
  hasFindLinks: boolean
  torch: TorchBuild
  signal?: AbortSignal | undefined
}

export type Resolution = {
  file: string
  lines: string[]
  /** The arguments by which uv finds the same torch again when it installs. */
  torchArgs: string[]
}

/**
 * Every package with its exact version, before anything large is fetched. torch is the CPU build (first from pip's find-links if it has
 * one, else from torch's own index; a resolution with CUDA in it is refused), or the one for this machine's GPU.
 */
export async function resolvePackages(options: ResolveOptions): Promise<Resolution> {
  const { requirements, torch } = options
  if (options.hasFindLinks && torch === 'cpu') {
    const fromLinks = await compile(options, withCpuTorch(requirements), [])
    if (fromLinks.result.exitCode === 0) return checked(fromLinks, options)
    // No such wheel there: the way of everyone else. Any other failure is the answer.
    if (!/torch==\S*\+cpu/.test(fromLinks.result.stderr)) throw failure(fromLinks.result, options)
  }
  const fromIndex = await compile(options, requirements, [`--torch-backend=${torch}`])
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
  const cuda = options.torch === 'cpu' ? cudaPackages(lines) : []
  if (cuda.length > 0) {
    throw new SeerError('setup-failed', {
      message: `these packages would bring CUDA with them, which the CPU environment must not hold: ${cuda.join(', ')}`,
      hint: `look which of the packages asked for needs them: ${options.requirements.join(', ')}`,
    })
  }
  return { file, lines, torchArgs }
}

function failure(result: ToolResult, options: ResolveOptions): SeerError {
  const doing = 'working out the Python packages'
  const needed = options.requirements.join(', ')
  const error = toolFailure({ tool: 'uv', doing, needed, path: options.folder, result })
  return error.code === 'setup-failed' ? packagesFailure(result.stderr, error.message) : error
}

/** What is wrong with the packages that were asked for, since neither the network nor the disk is. */
export function packagesFailure(said: string, message: string): SeerError {
  const failed = (what: string, hint: string) => new SeerError('setup-packages', { message: what, hint })
  const unknown = /\b([\w.-]+) was not found in the (?:package registry|provided package locations)/.exec(said)?.[1]
  if (unknown !== undefined) {
    return failed(
      `There is no package "${unknown}" where packages come from.\n${message}`,
      'Look at its spelling in `pythonPackages`. An index of your own is found where it stands in pip’s settings.',
    )
  }
  // It names a file that is not there any more.
  const broken = /Couldn't parse requirement in .*\n\s*cause: ([^]*)/.exec(said)?.[1]
  if (broken !== undefined) {
    return failed(
      `A requirement cannot be read:\n    ${broken.trim()}`,
      'Correct it in `pythonPackages`: each is as pip takes it, such as "name>=1,<2".',
    )
  }
  const hint = /No solution found/.test(said)
    ? 'Change the versions in `pythonPackages`: a version given there replaces the one that Seer is tested with.'
    : 'Correct what it names in `pythonPackages`.'
  return failed(message, hint)
}
