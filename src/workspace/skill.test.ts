import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { thrownBy } from '../../test/fixtures/thrown-by.ts'
import { builtInSkillNames } from './built-in-skills.ts'
import { parseSkillText } from './skill-text.ts'
import { Skill } from './skill.ts'

const TEXT = '---\nname: find-it\ndescription: Finds it.\n---\n\nLook.\n'
const textOf = (skill: Skill, path = 'SKILL.md') =>
  Buffer.from(skill.files.find((file) => file.path === path)!.bytes).toString()

function put(name: string, files: Record<string, string>): string {
  const folder = join(newFolder(), name)
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
  return folder
}

test('a folder, all of it', () => {
  const skill = Skill.fromDir(
    put('find-it', { 'SKILL.md': TEXT, 'scripts/a.sh': 'x', 'assets/b.csv': '1', '.env': 'K=1' }),
  )
  expect(skill).toMatchObject({ name: 'find-it', description: 'Finds it.', instructions: 'Look.' })
  expect(skill.files.map(({ path }) => path)).toEqual(['SKILL.md', 'assets/b.csv', 'scripts/a.sh'])
  expect(skill.sha256).toMatch(/^[0-9a-f]{64}$/)
})

test.each<[string, () => unknown, string, RegExp]>([
  ['no such folder', () => Skill.fromDir('./missing'), 'skill-file', /cannot be read: ENOENT/],
  ['no SKILL.md', () => Skill.fromDir(put('x', { 'a.md': '' })), 'skill-file', /has no SKILL\.md\./],
  ['another case', () => Skill.fromDir(put('x', { 'skill.md': TEXT })), 'skill-file', /only skill\.md/],
  [
    'a folder of another name',
    () => Skill.fromDir(put('other', { 'SKILL.md': TEXT })),
    'skill-invalid',
    /"find-it".*"other"/,
  ],
  ['bad front matter', () => Skill.fromDir(put('x', { 'SKILL.md': '# x' })), 'skill-invalid', /no front matter/],
  ['one that Seer does not bring', () => Skill.builtIn('stering'), 'skill-unknown', /did you mean "steering"/],
  ['a path for a name', () => Skill.builtIn('../toolkit'), 'skill-unknown', /brings no skill/],
])('refused: %s', (_, make, code, message) => {
  expect(thrownBy(make)).toMatchObject({ code, message: expect.stringMatching(message) })
})

const PYTHON = `"""Tools."""
import functools

OTHER = """
def mean(x):
    'not this one'
"""

@functools.cache
def mean(
    values: tuple, *, scale: float = 1.0,
) -> float:
    """The "mean" of values: sum / n # not the median.

    More of it, with \\"\\"\\" and \`\`\`fences\`\`\`.
    """
    return scale * sum(values) / len(values)

def bare(x): return x

async def Far_Off(x):
    'Waits.'
`

test('a function: what it says of itself, its source, and its whole file to import', () => {
  const path = join(put('any', { 'tools.py': PYTHON }), 'tools.py')
  const skill = Skill.fromFunction(path, 'mean')
  expect(skill).toMatchObject({ name: 'mean', description: 'The "mean" of values: sum / n # not the median.' })
  expect(textOf(skill, 'tools.py')).toBe(PYTHON)
  expect(parseSkillText(textOf(skill), 'x')).toMatchObject({ name: 'mean', description: skill.description })
  expect(skill.instructions).toContain('from tools import mean')
  const start = PYTHON.indexOf('@functools')
  expect(skill.instructions).toContain(`\n${PYTHON.slice(start, PYTHON.indexOf('\n\ndef bare'))}\n\`\`\`\``)
  expect(Skill.fromFunction(path, 'Far_Off')).toMatchObject({ name: 'far-off', description: 'Waits.' })
})

test.each<[string, () => unknown, string, RegExp]>([
  ['no docstring', () => Skill.fromFunction(tools(), 'bare'), 'skill-invalid', /has no docstring/],
  ['no such function', () => Skill.fromFunction(tools(), 'maen'), 'skill-file', /did you mean "mean"/],
  ['no such file', () => Skill.fromFunction('./missing.py', 'x'), 'skill-file', /ENOENT/],
  ['no Python file', () => Skill.fromFunction('./x.ipynb', 'x'), 'skill-file', /not a \.py/],
  ['not Python', () => Skill.fromFunction(tools('def f(:\n'), 'f'), 'skill-file', /as Python: a bracket is not closed/],
  ['not UTF-8', () => Skill.fromFunction(tools(Buffer.from([0xff])), 'f'), 'skill-file', /not UTF-8/],
  [
    'a name that hides another module',
    () => Skill.fromSource('torch', 'd', ''),
    'library-name',
    /an installed package/,
  ],
  ['a private function', () => Skill.fromFunction(tools('def _f():\n  "d"\n'), '_f'), 'skill-invalid', /`name`/],
  [
    'a long first paragraph',
    () => Skill.fromFunction(tools(`def f():\n  "${'x'.repeat(1025)}"\n`), 'f'),
    'skill-invalid',
    /1024/,
  ],
])('refused of Python: %s', (_, make, code, message) => {
  expect(thrownBy(make)).toMatchObject({ code, message: expect.stringMatching(message) })
})

function tools(content: string | Uint8Array = PYTHON): string {
  const path = join(newFolder(), 'tools.py')
  writeFileSync(path, content)
  return path
}

test('source under a name: instructions, the code to read and to import', () => {
  const skill = Skill.fromSource('plot-it', 'Plots: "it" # well.', 'def plot(): ...\n', '# Plotting\n\nCall it.')
  expect(skill.files.map(({ path }) => path)).toEqual(['SKILL.md', 'plot_it.py'])
  expect(textOf(skill, 'plot_it.py')).toBe('def plot(): ...\n')
  expect(parseSkillText(textOf(skill), 'x')).toEqual({
    name: 'plot-it',
    description: 'Plots: "it" # well.',
    instructions: skill.instructions,
  })
  expect(skill.instructions).toMatch(/^# Plotting\n\nCall it\.\n\n```python\nimport plot_it\n```\n/)
  expect(Skill.fromSource('a', 'd', 'x = 1').instructions).toMatch(/^# a\n/)
})

test('the skills that Seer brings are sound, fit into one answer of a tool, and are under 200 lines', () => {
  expect(builtInSkillNames()).toEqual(['research-method', 'steering'])
  for (const name of builtInSkillNames()) {
    const text = textOf(Skill.builtIn(name))
    expect(text.length).toBeLessThan(10_000)
    expect(text.split('\n').length).toBeLessThan(200)
  }
})
