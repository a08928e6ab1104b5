/** The toolkit: Python files that stand alone, which Seer brings and experiments copy (`experiments/toolkit/`). */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'

const FOLDER = resolve(import.meta.dirname, '../../experiments/toolkit')

/** `steering_hook` and its like. */
export function toolkitNames(): string[] {
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.py'))
    .map((file) => file.slice(0, -'.py'.length))
    .sort()
}

/** Where Seer's own file of this name lies. */
export function toolkitFile(name: string): string {
  const names = toolkitNames()
  if (names.includes(name)) return join(FOLDER, `${name}.py`)
  throw new SeerError('library-unknown', {
    message: `The toolkit has no "${name}"${didYouMean(name, names)}`,
    hint: `It has: ${names.join(', ')}.`,
  })
}
