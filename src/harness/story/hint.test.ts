import { expect, test } from 'vitest'
import { showCommand, withHint } from './hint.ts'
import { lookOf } from './look.ts'

test('a run is named by the end of its name, with its folder of runs where that is not the default', () => {
  const name = '2026-11-23-sandbox-intro-k3f9'
  expect(showCommand(name, undefined, ['--cell', 'c4'])).toBe('seer show k3f9 --cell c4')
  expect(showCommand(name, `/data/runs/${name}`, [])).toBe('seer show k3f9 --output-dir /data/runs')
  expect(showCommand(name, '/data/runs/my own', [])).toBe(`seer show 'my own' --output-dir /data/runs`)
})

test('the command is never cut: it goes on with the shell’s own mark', () => {
  const look = (columns: number) => lookOf({ columns }, { color: false })
  const command = 'seer show k3f9 --output c3 --output-dir /data/runs'
  expect(withHint(look(90), '   ', '⋮ 3 lines not shown', command)).toEqual([`   ⋮ 3 lines not shown · ${command}`])
  expect(withHint(look(60), '   ', '⋮ 3 lines not shown', command)).toEqual([
    '   ⋮ 3 lines not shown:',
    `     ${command}`,
  ])
  const narrow = withHint(look(40), '   ', '⋮ 3 lines not shown', command)
  expect(narrow).toHaveLength(3)
  expect(
    narrow
      .slice(1)
      .join('\n')
      .replace(/\\\n\s*/g, '')
      .trim(),
  ).toBe(command)
})
