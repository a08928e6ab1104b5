/** An experiment's folder, copied to be changed: its files, its recordings, and the toolkit files and skills of Seer's that it uses. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve, sep } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { makeFolder } from '../run/paths.ts'
import { builtInSkillFolder, builtInSkillNames } from '../workspace/built-in-skills.ts'
import { toolkitFile, toolkitNames } from '../workspace/toolkit.ts'
import { SKILLS_FOLDER } from './own-skills.ts'
import { TOOLKIT_FOLDER } from './own-toolkit.ts'

const LEFT_OUT = new Set(['node_modules', 'outputs', '__pycache__', '.git', '.DS_Store'])
/** `.env`, `.env.local`, …: keys are not copied. */
const KEYS = /^\.env(\.(?!example$)|$)/

/**
 * Returns the names of the toolkit files and of Seer's skills in the copy. `beside` gives files (name to content) that are added where the
 * experiment has none of that name. What goes wrong leaves `to` as it was.
 */
export function copyExperiment(
  from: string,
  to: string,
  beside: (toolkit: readonly string[]) => Record<string, string> = () => ({}),
): { toolkit: string[]; skills: string[] } {
  const [source, target] = [resolve(from), resolve(to)]
  if (`${target}${sep}`.startsWith(`${source}${sep}`)) {
    throw new SeerError('invalid-options', {
      message: `${to} lies inside the experiment that is to be copied.`,
      hint: 'Choose a folder elsewhere.',
    })
  }
  const wasThere = refuseUnlessEmpty(target)
  try {
    makeFolder(target)
    cpSync(source, target, { recursive: true, dereference: true, filter: (path) => path === source || isWanted(path) })
    const code = codeIn(target)
    const toolkit = toolkitUsedBy(code)
    const skills = skillsUsedBy(code)
    for (const name of skills) {
      const own = join(target, SKILLS_FOLDER, name)
      if (!existsSync(own)) cpSync(builtInSkillFolder(name), own, { recursive: true, filter: isWanted })
    }
    for (const name of toolkit) cpSync(toolkitFile(name), join(target, TOOLKIT_FOLDER, `${name}.py`), { force: false })
    for (const [name, text] of Object.entries(beside(toolkit)))
      if (!existsSync(join(target, name))) writeFileSync(join(target, name), text)
    return { toolkit, skills }
  } catch (cause) {
    for (const name of wasThere ? readdirSync(target) : ['.'])
      rmSync(join(target, name), { recursive: true, force: true })
    throw new SeerError('new-failed', {
      message: `${from} could not be copied to ${to}: ${describeError(cause)}`,
      hint: 'Nothing was left there. Choose a folder that you can write to.',
      cause,
    })
  }
}

function isWanted(path: string): boolean {
  return !LEFT_OUT.has(basename(path)) && !KEYS.test(basename(path))
}

function refuseUnlessEmpty(target: string): boolean {
  const stat = statSync(target, { throwIfNoEntry: false })
  if (stat === undefined) return false
  if (stat.isDirectory() && readdirSync(target).length === 0) return true
  throw new SeerError('invalid-options', {
    message: stat.isDirectory() ? `The folder ${target} is not empty.` : `${target} is a file.`,
    hint: 'Nothing is written over. Name a folder that is empty or not there yet.',
  })
}

/** Without the calls that mean Seer's own by intent: a copy would not be used. */
function codeIn(folder: string): string {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n')
    .replaceAll(/(?:Library\.toolkit|Skill\.builtIn)\([^)]*\)/g, '')
}

/** Those whose name stands as a text in the experiment's code: `toolkit('steering_hook')`, or in a list of names. */
function toolkitUsedBy(code: string): string[] {
  return toolkitNames().filter((name) => isText(code, name))
}

/** The same; names of skills are ordinary words, which count only where `skill` is used. */
function skillsUsedBy(code: string): string[] {
  return /\bskill\b/.test(code) ? builtInSkillNames().filter((name) => isText(code, name)) : []
}

function isText(code: string, name: string): boolean {
  return new RegExp(`(['"\`])${name}\\1`).test(code)
}
