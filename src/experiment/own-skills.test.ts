import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { newFolder } from '../../test/fixtures/memory-run.ts'
import { Skill } from '../workspace/skill.ts'
import { skillOf } from './own-skills.ts'

test('a skill is Seer’s until the experiment has its own, and may be the experiment’s alone', () => {
  const folder = newFolder()
  const skill = skillOf(folder)
  expect(skill('steering')).toEqual(Skill.builtIn('steering'))
  for (const name of ['steering', 'mine']) {
    mkdirSync(join(folder, 'skills', name), { recursive: true })
    writeFileSync(join(folder, 'skills', name, 'SKILL.md'), `---\nname: ${name}\ndescription: Own.\n---\n`)
    expect(skill(name)).toMatchObject({ name, description: 'Own.' })
  }
  expect(() => skill('stering')).toThrow(/did you mean "steering"/)
})
