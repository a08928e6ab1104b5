/** An experiment's folder, copied to be changed: its files, its recordings, and the toolkit files that it uses. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, join, resolve, sep } from 'node:path'
import { describeError, SeerError } from '../errors.ts'
import { makeFolder } from '../run/paths.ts'
import { toolkitFile, toolkitNames } from '../workspace/toolkit.ts'
import { TOOLKIT_FOLDER } from './own-toolkit.ts'

const LEFT_OUT = new Set(['node_modules', 'outputs', '__pycache__', '.git', '.DS_Store'])
/** `.env`, `.env.local`, …: keys are not copied. */
const KEYS = /^\.env(\.(?!example$)|$)/

/**
 * Returns the names of the toolkit files in the copy. `beside` gives files (name to content) that are added where the
 * experiment has none of that name. What goes wrong leaves `to` as it was.
 */
export function copyExperiment(
  from: string,
  to: string,
  beside: (toolkit: readonly string[]) => Record<string, string> = () => ({}),
): { toolkit: string[] } {
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
    const wanted = (path: string) => path === source || !(LEFT_OUT.has(basename(path)) || KEYS.test(basename(path)))
    cpSync(source, target, { recursive: true, dereference: true, filter: wanted })
    const toolkit = toolkitUsedBy(target)
    for (const name of toolkit) cpSync(toolkitFile(name), join(target, TOOLKIT_FOLDER, `${name}.py`), { force: false })
    for (const [name, text] of Object.entries(beside(toolkit)))
      if (!existsSync(join(target, name))) writeFileSync(join(target, name), text)
    return { toolkit }
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

function refuseUnlessEmpty(target: string): boolean {
  const stat = statSync(target, { throwIfNoEntry: false })
  if (stat === undefined) return false
  if (stat.isDirectory() && readdirSync(target).length === 0) return true
  throw new SeerError('invalid-options', {
    message: stat.isDirectory() ? `The folder ${target} is not empty.` : `${target} is a file.`,
    hint: 'Nothing is written over. Name a folder that is empty or not there yet.',
  })
}

/** Those whose name stands as a text in the experiment's code: `toolkit('steering_hook')`, or in a list of names. */
function toolkitUsedBy(folder: string): string[] {
  const code = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\n')
    .replaceAll(/Library\.toolkit\([^)]*\)/g, '') // Seer's own by intent: a copy would not be used
  return toolkitNames().filter((name) => new RegExp(`(['"\`])${name}\\1`).test(code))
}
