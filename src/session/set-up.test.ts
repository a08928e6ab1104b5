import { expect, test } from 'vitest'
import type { SnapshotCell } from '../environment/snapshot/snapshot.ts'
import { Skill } from '../workspace/skill.ts'
import { setUpSteps } from './set-up.ts'

const cell = (code: string, by: SnapshotCell['by'] = 'agent:a'): SnapshotCell => ({
  session: 's1',
  cell: 'c7',
  code,
  by,
  status: 'ok',
  generation: 1,
})
const workspace = { hiddenModelLoading: true, skills: [] }
const said = (init: string | undefined, cells: SnapshotCell[]) =>
  setUpSteps({ ...workspace, customInitCode: init }, cells, '/workspace').map(
    ({ code, hidden }) => `${code}${hidden ? ' (hidden)' : ''}`,
  )

test.each<[string, string | undefined, SnapshotCell[], string[]]>([
  ['nothing but the own', undefined, [], ['seer.setup() (hidden)']],
  ['init code', 'init', [], ['seer.setup() (hidden)', 'init (hidden)']],
  ['a replay', undefined, [cell('a'), cell('b')], ['seer.setup() (hidden)', 'a', 'b']],
  [
    'init code that is in the replay',
    'init',
    [cell('init', 'setup'), cell('a')],
    ['seer.setup() (hidden)', 'init', 'a'],
  ],
  [
    'other init code',
    'new',
    [cell('init', 'setup'), cell('a')],
    ['seer.setup() (hidden)', 'init', 'a', 'new (hidden)'],
  ],
  ['init code that an agent ran', 'init', [cell('init')], ['seer.setup() (hidden)', 'init', 'init (hidden)']],
])('%s', (_, init, cells, steps) => {
  expect(said(init, cells)).toEqual(steps)
})

test('the Python of skills comes onto the path before anything that may import it', () => {
  const skills = [Skill.builtIn('steering'), Skill.fromSource('plot-it', 'Draws.', 'x = 1')]
  const steps = setUpSteps({ ...workspace, skills, customInitCode: 'init' }, [cell('a')], '/workspace')
  expect(steps.map(({ code }) => code)).toEqual([
    'seer.setup()',
    expect.stringContaining('["/workspace/.claude/skills/plot-it"]'),
    'a',
    'init',
  ])
})

test('what fails is named: the set-up’s cell, or that of the snapshot', () => {
  const steps = setUpSteps({ ...workspace, customInitCode: 'init' }, [cell('a')], '/workspace')
  expect(
    steps.map(({ failed }) => failed('c2', 'ended with "error":\nboom')).map(({ code, message }) => [code, message]),
  ).toEqual([
    ['cell-of-setup-failed', 'The set-up cell c2 ended with "error":\nboom'],
    [
      'replay-failed',
      `The cell c7 of the snapshot's session s1 had ended well, and when it was run again it ended with "error":\nboom`,
    ],
    ['cell-of-setup-failed', 'The set-up cell c2 ended with "error":\nboom'],
  ])
})
