/** The skills that Seer brings and experiments copy (`experiments/skills/`). */
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'

const FOLDER = resolve(import.meta.dirname, '../../experiments/skills')

/** `steering` and its like. */
export function builtInSkillNames(): string[] {
  return readdirSync(FOLDER, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
}

export function builtInSkillFolder(name: string): string {
  const names = builtInSkillNames()
  if (names.includes(name)) return join(FOLDER, name)
  throw new SeerError('skill-unknown', {
    message: `Seer brings no skill "${name}"${didYouMean(name, names)}`,
    hint: `It brings: ${names.join(', ')}.`,
  })
}
