import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { SeerError } from '../errors.ts'

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

/** Whether a line of Seer's own files is meant for this Python: they have no other conditions than these. */
export function appliesTo(requirement: string, pythonVersion: string): boolean {
  const condition = /;\s*python_version\s*(<|>=)\s*"3\.(\d+)"/.exec(requirement)
  if (!condition) return true
  const isBelow = Number(pythonVersion.split('.')[1]) < Number(condition[2])
  return condition[1] === '<' ? isBelow : !isBelow
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
  checkPackages(packages)
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

/** What an environment must hold that Seer did not make, in the versions that Seer is tested with. */
export async function neededRequirements(forModels: boolean, extraFiles: readonly string[] = []): Promise<string[]> {
  const tested = forModels ? await readRequirements(modelsFile) : []
  const extra = (await Promise.all(extraFiles.map((file) => readRequirements(file)))).flat()
  const loads = tested.filter((line) => ['torch', 'transformers'].includes(packageName(line)))
  return [...(await readRequirements(baseFile)), ...loads, ...extra]
}

/** What is no requirement would be told by uv as a fault of a file that nobody has written. */
function checkPackages(packages: readonly string[]): void {
  for (const line of packages) {
    const why = whyNoRequirement(line.trim())
    if (why === undefined) continue
    throw new SeerError('setup-packages', {
      message: `pythonPackages: "${line}" is no requirement: ${why}.`,
      hint: 'Each is as pip takes it: "name", "name==1.2", "name[extra]>=1,<2", "name @ https://…" or the path of a wheel from the root.',
    })
  }
}

function whyNoRequirement(line: string): string | undefined {
  if (line === '') return 'it is empty'
  if (/[\r\n]/.test(line)) return 'it has several lines'
  if (line.startsWith('-')) return 'it is an option of pip'
  if (/^(\.{1,2}(\/|$)|~)/.test(line)) return 'a relative path would lead somewhere else'
  if (/^(\/|[\w+]+:\/\/)/.test(line)) return undefined
  if (!/^[A-Za-z0-9]/.test(line)) return 'it does not begin with a name'
  const rest = line.replace(/^[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*/, '')
  if (/^=[^=]/.test(rest)) return 'a version needs "=="'
  if (rest !== '' && !/^([=~!<>]=|[<>(;@])/.test(rest)) return `"${rest}" says no version`
  return undefined
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
