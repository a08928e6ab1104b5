import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

/** `jupyter_client==8.10.0; python_version >= "3.11"` → `jupyter-client`, as the index spells it. */
export function packageName(requirement: string): string {
  const name = /^[A-Za-z0-9][A-Za-z0-9._-]*/.exec(requirement.trim())?.[0] ?? ''
  return name.toLowerCase().replaceAll(/[-_.]+/g, '-')
}

/** The requirements of a file in `python/`, without comments. */
export async function readRequirements(file: string | URL): Promise<string[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter(Boolean)
}

export const pythonFolder = fileURLToPath(new URL('../../python/', import.meta.url))
const baseFile = `${pythonFolder}requirements-base.txt`
const modelsFile = `${pythonFolder}requirements-models.txt`

/**
 * What an environment is to hold: the base, the packages that models and plots need, and those asked for. A package that is
 * asked for with a version of its own replaces the one that Seer is tested with; a bare name of a tested one adds nothing.
 */
export async function composeRequirements(
  packages: readonly string[] = [],
  extraFiles: readonly string[] = [],
): Promise<string[]> {
  const base = await readRequirements(baseFile)
  const tested = await readRequirements(modelsFile)
  const extra = (await Promise.all(extraFiles.map((file) => readRequirements(file)))).flat()
  const testedNames = new Set(tested.map(packageName))
  const asked = [...packages, ...extra]
    .map((line) => line.trim())
    .filter((line) => !(hasNoVersion(line) && testedNames.has(packageName(line))))
  const chosen = new Set(asked.map(packageName))
  return [...new Set([...base, ...tested.filter((line) => !chosen.has(packageName(line))), ...asked])].sort()
}

const hasNoVersion = (requirement: string) => /^[A-Za-z0-9._-]+$/.test(requirement)

/** torch's CPU build by name, for where a wheel of it lies in pip's find-links. */
export function withCpuTorch(lines: string[]): string[] {
  return lines.map((line) => line.replace(/^(torch==[0-9.]+)(?![0-9.+])/, '$1+cpu'))
}

/** What only a CUDA build of torch brings, several gigabytes of it. */
export function cudaPackages(lockLines: string[]): string[] {
  return lockLines.map(packageName).filter((name) => /^(nvidia|cuda)-|^triton$/.test(name))
}
