import { describe, expect, test } from 'vitest'
import { thrownBy } from '../../test/fixtures/thrown-by.ts'
import { fenced, formatSkillText, parseSkillText } from './skill-text.ts'

const parse = (text: string) => parseSkillText(text, 'The skill x')
const withFields = (yaml: string) => parse(`---\n${yaml}\n---\n\nDo it.\n`)

test.each<[string, string, string]>([
  ['plain', 'description: Finds files.', 'Finds files.'],
  ['quoted, with what YAML gives a meaning', `description: "a: b # c 'd' \\"e\\""`, `a: b # c 'd' "e"`],
  ['folded', 'description: >-\n  One\n  two.\n\n  Three.', 'One two.\nThree.'],
  ['as it is', 'description: |\n  One\n  two.', 'One\ntwo.'],
  ['what looks like something else', 'description: 1984', '1984'],
  [
    'with fields of other programs',
    'description: d\nallowed-tools: [Read, Bash]\nuser-invocable: false\nmetadata:\n  v: 1.0',
    'd',
  ],
])('a description: %s', (_, yaml, description) => {
  expect(withFields(`name: x\n${yaml}`)).toEqual({ name: 'x', description, instructions: 'Do it.' })
})

test('a byte order mark, Windows line ends, no instructions, rules of --- further down', () => {
  expect(parse('\uFEFF---\r\nname: x\r\ndescription: d\r\n---\r\nA\r\n---\r\nB').instructions).toBe('A\n---\nB')
  expect(parse('---\nname: x\ndescription: d\n---')).toMatchObject({ instructions: '' })
})

describe('refused', () => {
  test.each<[string, string, RegExp]>([
    ['no front matter', '# Title', /has no front matter/],
    ['front matter that is not the beginning', 'x\n---\nname: x\ndescription: d\n---\n', /has no front matter/],
    ['not closed', '---\nname: x\ndescription: d\n', /has no front matter/],
    ['not YAML', '---\nname: x\ndescription: Use when: always\n---\n', /is not YAML: .*line 2/],
    ['a field twice', '---\nname: x\nname: x\ndescription: d\n---\n', /is not YAML: .*unique/],
    ['a list', '---\n- name\n---\n', /not a list of fields/],
    ['both fields missing', '---\n---\n', /has no `name`, and has no `description`/],
    ['a description that is no text', '---\nname: x\ndescription: [a]\n---\n', /`description` that is no text/],
    ['an empty description', '---\nname: x\ndescription: " "\n---\n', /empty `description`/],
    ['aliases without end', `---\nname: x\ndescription: &a [x, x]\n${bomb()}\n---\n`, /cannot be read|no text/],
  ])('%s', (_, text, message) => {
    expect(thrownBy(() => parse(text))).toMatchObject({
      code: 'skill-invalid',
      message: expect.stringMatching(message),
    })
  })

  test.each(['X', 'a_b', '-a', 'a-', 'a--b', 'a b', '../a', '', 'ä', 'a'.repeat(65)])('the name "%s"', (name) => {
    expect(thrownBy(() => withFields(`name: "${name}"\ndescription: d`)).message).toMatch(/has a `name` that is not/)
  })

  test.each([
    ['description', 1024],
    ['compatibility', 500],
  ])('a %s of more than %i characters, counted as people count', (field, most) => {
    const yaml = (text: string) => `name: x\n${field === 'description' ? '' : 'description: d\n'}${field}: ${text}`
    expect(() => withFields(yaml('😀'.repeat(most)))).not.toThrow()
    expect(thrownBy(() => withFields(yaml('😀'.repeat(most + 1)))).message).toContain(`more than ${most} characters`)
  })
})

test.each([`a: b # c 'd' "e" \\ - {x}`, '"""', '- one\n- two', 'no', '---', '😀 ü', '!tag &x *y', 'x'.repeat(300)])(
  'what is written is read again: %j',
  (description) => {
    const skill = { name: 'x-1', description, instructions: '---\n\nA\n' }
    const text = formatSkillText(skill, 'The skill x')
    expect(parse(text)).toEqual({ ...skill, instructions: '---\n\nA' })
  },
)

test('code with fences of its own stays one block', () => {
  expect(fenced('"""\n```python\nx\n```\n"""\n')).toBe('````python\n"""\n```python\nx\n```\n"""\n````')
})

function bomb(): string {
  return Array.from({ length: 12 }, (_, i) => `k${i}: &b${i} [${`*${i === 0 ? 'a' : `b${i - 1}`}, `.repeat(9)}x]`).join(
    '\n',
  )
}
