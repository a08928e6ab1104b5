/** Skills made of Python: SKILL.md is written here, and the code lies beside it, where it can be imported. */
import { readFileSync } from 'node:fs'
import { basename, extname } from 'node:path'
import { didYouMean } from '../did-you-mean.ts'
import { describeError, SeerError } from '../errors.ts'
import type { LocalFile } from './local-file.ts'
import { functionsOf, type PythonFunction } from './python/functions.ts'
import { checkModuleName } from './python/module-name.ts'
import { pythonText, tokensOf } from './python/scan.ts'
import { atCurrentFolder } from './read-folder.ts'
import { fenced, type SkillText } from './skill-text.ts'

interface MadeSkill {
  readonly text: SkillText
  readonly files: readonly LocalFile[]
}

export function functionSkill(path: string, name: string): MadeSkill {
  if (extname(path) !== '.py') throw new SeerError('skill-file', { message: `${path} is not a .py file.` })
  const module = basename(path, '.py')
  checkModuleName(module)
  const bytes = readPython(path)
  const { source, docstring } = functionIn(path, bytes, name)
  const instructions = `# ${name}\n\n${fenced(`from ${module} import ${name}`)}\n\nFrom \`${module}.py\`, which lies beside this file:\n\n${fenced(source)}`
  const description = docstring?.split(/\n\s*\n/)[0]?.replaceAll(/\s+/g, ' ') ?? ''
  if (description === '') {
    throw new SeerError('skill-invalid', {
      message: `The function ${name} in ${path} has no docstring, so nothing says what the skill is for.`,
      hint: 'Give it one: its first paragraph is the description. Or use Skill.fromSource(name, description, code).',
    })
  }
  const text = { name: name.toLowerCase().replaceAll('_', '-'), description, instructions }
  return { text, files: [{ path: `${module}.py`, bytes }] }
}

export function sourceSkill(given: {
  name: string
  description: string
  code: string
  instructions: string | undefined
}): MadeSkill {
  const { name, description, code } = given
  const module = name.replaceAll('-', '_')
  checkModuleName(module)
  const above = given.instructions?.trim() ?? `# ${name}`
  const instructions = `${above}\n\n${fenced(`import ${module}`)}\n\n\`${module}.py\`, which lies beside this file:\n\n${fenced(code)}`
  return { text: { name, description, instructions }, files: [{ path: `${module}.py`, bytes: Buffer.from(code) }] }
}

function readPython(path: string): Uint8Array {
  try {
    return readFileSync(path)
  } catch (cause) {
    const message = `${path} cannot be read: ${describeError(cause)}`
    throw new SeerError('skill-file', { message, hint: atCurrentFolder(), cause })
  }
}

/** Of several with the name the last, as when the file is imported. */
function functionIn(path: string, bytes: Uint8Array, name: string): PythonFunction {
  let functions: PythonFunction[]
  try {
    const source = pythonText(bytes)
    functions = functionsOf(source, tokensOf(source))
  } catch (cause) {
    throw new SeerError('skill-file', { message: `${path} cannot be read as Python: ${describeError(cause)}.`, cause })
  }
  const found = functions.findLast((one) => one.name === name)
  if (found) return found
  const names = functions.map((one) => one.name)
  throw new SeerError('skill-file', {
    message: `${path} has no function "${name}"${didYouMean(name, names)}`,
    hint: names.length === 0 ? 'It has no functions at its top level.' : `It has: ${names.join(', ')}.`,
  })
}
