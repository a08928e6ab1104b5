import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'

const BUNDLED = resolve(import.meta.dirname, '../../experiments')

/** A path (anything with a slash or a dot), or the name of an experiment that Seer brings. */
export function findExperiment(nameOrPath: string): string {
  if (/[/.]/.test(nameOrPath)) return resolve(nameOrPath)
  const bundled = join(BUNDLED, nameOrPath)
  if (existsSync(join(bundled, 'experiment.ts'))) return bundled
  if (existsSync(join(resolve(nameOrPath), 'experiment.ts'))) return resolve(nameOrPath)
  const names = bundledExperiments()
  throw new SeerError('unknown-experiment', {
    message: `There is no experiment "${nameOrPath}"${didYouMean(nameOrPath, names)}`,
    hint: `Seer brings: ${names.join(', ')}. Give a folder for one of your own: ./${nameOrPath}`,
  })
}

export function bundledExperiments(): string[] {
  return readdirSync(BUNDLED, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(BUNDLED, entry.name, 'experiment.ts')))
    .map(({ name }) => name)
    .sort()
}
