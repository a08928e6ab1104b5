import { expect, test } from 'vitest'
import { stampAll } from '../../../test/generate-log.ts'
import type { EventInput } from '../../run/events.ts'
import { lookOf } from './look.ts'
import { openStory } from './state.ts'
import { storyLines } from './story.ts'

function told(inputs: EventInput[], columns = 60): string[] {
  const state = openStory(lookOf({ columns }, { color: false }))
  return stampAll(inputs).flatMap((event) => storyLines(state, event))
}

test('a process is one line; one that failed shows the end of what it printed', () => {
  const started = (argv: string[]): EventInput => {
    return { type: 'process-start', by: 'researcher', process: 'p-1', argv, cwd: '.', purpose: 'exec' }
  }
  const ended = (exitCode: number, stdout = '', stderr = '', because?: string): EventInput => {
    const more = { ...(because === undefined ? {} : { because }), durationMs: 412, omittedBytes: 0 }
    return { type: 'process-end', by: 'researcher', process: 'p-1', exitCode, signal: null, stdout, stderr, ...more }
  }
  expect(told([started(['/bin/sh', '-c', 'ls\npwd']), ended(0, 'a\n')])).toEqual(['· $ ls … → ok · 0.4 s'])
  const lines = Array.from({ length: 30 }, (_, i) => `line ${i}\n`).join('')
  expect(told([started(['pip', 'install', 'x']), ended(1, 'out\n', lines)])).toEqual([
    '! $ pip install x → exit code 1',
    ...Array.from({ length: 8 }, (_, i) => `  ┊ line ${22 + i}`),
  ])
  expect(told([ended(3, 'only this')])).toEqual(['! process p-1 → exit code 3', '  │ only this'])
  expect(told([ended(0, '', '', 'it was asked to end')])).toEqual(['! process p-1 → exit code 0, it was asked to end'])
})

test('a refused connection is worth a line, an allowed one is not; a saved snapshot is', () => {
  const about = { type: 'network-connect', by: 'system', host: 'a.example.org', port: 443 } as const
  const because = 'it is not among the hosts of this sandbox'
  expect(told([{ ...about, allowed: true }])).toEqual([])
  expect(told([{ ...about, allowed: false, because }], 100)).toEqual([
    `! no connection to a.example.org:443: ${because}`,
  ])
  const saved: EventInput = { type: 'snapshot-save', by: 'system', snapshot: 'sn-1', name: 'n', files: 2, bytes: 2300 }
  expect(told([saved])).toEqual(['· snapshot n saved (sn-1, 2 files, 2.3 kB)'])
})

test('nothing that a process, its command or a name says acts on the terminal or begins a line', () => {
  const EVIL = '\u001b[2J\u001b[1;1H\u001b]0;title\u0007\r\u009b31mEVIL\nEVIL ▸ x\rEVIL\u2028EVIL\u202e'
  const inputs: EventInput[] = [
    {
      type: 'process-start',
      by: 'researcher',
      process: 'p',
      argv: [EVIL, EVIL],
      cwd: EVIL,
      purpose: EVIL,
      input: EVIL,
    },
    {
      type: 'process-end',
      by: 'researcher',
      process: 'p',
      exitCode: 1,
      signal: EVIL,
      because: EVIL,
      durationMs: 1,
      stdout: EVIL,
      stderr: EVIL,
      omittedBytes: 1,
    },
    { type: 'network-connect', by: 'system', host: EVIL, port: 1, allowed: false, because: EVIL },
    { type: 'snapshot-save', by: 'system', snapshot: EVIL, name: EVIL, files: 1, bytes: 1 },
  ]
  for (const columns of [24, 60, 200]) {
    const lines = told(inputs, columns)
    expect(lines.filter((line) => line.includes('EVIL')).length).toBeGreaterThan(4)
    expect(lines.filter((line) => /^\s*EVIL/.test(line))).toEqual([])
    expect(lines.filter((line) => /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(line))).toEqual([])
  }
})
