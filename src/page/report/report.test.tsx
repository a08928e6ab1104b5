import { describe, expect, test } from 'vitest'
import { cellsFold, cellsOf } from '../../run/fold-cells.ts'
import { fold, type AnyEvent } from '../../run/fold.ts'
import { summaryFold } from '../../run/fold-summary.ts'
import type { ReportInput } from './report-input.ts'
import { renderReport } from './report.tsx'

const at = '2026-11-23T08:00:00.000Z'
const stamp = (event: Record<string, unknown>, index: number) =>
  ({ seq: index + 1, at, run: 'r', by: 'agent:a', session: 's1', ...event }) as unknown as AnyEvent

function input(events: Record<string, unknown>[] = [], more: Partial<ReportInput> = {}): ReportInput {
  const log = events.map(stamp)
  const { open: _, ...summary } = fold(summaryFold, log)
  const cells = cellsOf(fold(cellsFold, log))
  return {
    run: 'the-run',
    status: summary.status,
    summary,
    writtenAt: at,
    writtenBy: '1.2.3',
    question: null,
    prompts: [],
    findings: [],
    drift: null,
    notices: [],
    tables: [],
    files: [],
    story: cells.map((cell, index) => ({ kind: 'cell', seq: index, cell })),
    images: {},
    leftOut: [],
    problems: [],
    ...more,
  }
}

const START = {
  type: 'run-start',
  by: 'system',
  logVersion: 1,
  seer: '0.1.0',
  experiment: 'steering',
  profile: null,
  params: { temperature: 0.7, layers: [1, 2] },
  backend: 'local',
  confinement: 'none',
  provider: 'claude',
  seed: 7,
  budgetUsd: 2,
}
const cell = (id: string, code: string, more: object = {}) => [
  { type: 'cell-start', cell: id, code, hidden: false, ...more },
  { type: 'cell-end', cell: id, by: 'system', status: 'ok', executionCount: 1, durationMs: 1500 },
]
/** The text of the document. */
const textOf = (html: string) =>
  html
    .replaceAll(/<(style|title)>.*?<\/\1>/gs, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ')

describe('renderReport', () => {
  test('a document with its policy before anything of the run, and no script', () => {
    const html = renderReport(input([START]))
    expect(html).toMatch(
      /^<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none';/,
    )
    expect(html).not.toMatch(/<script|<link|\son\w+=/)
    expect(html).toContain('<title>steering: report of the-run</title>')
  })

  test('the header says what one must know before believing it', () => {
    const text = textOf(
      renderReport(
        input([
          START,
          {
            type: 'session-start',
            kind: 'notebook',
            toolsVersion: 't1',
            libraries: [],
            models: [{ name: 'tiny', varName: 'model', weightsSha256: 'ab'.repeat(32), quantisation: 'none' }],
          },
          { type: 'compute-report', python: '3.11.4', torch: '2.13.0', isa: 'AVX2', threads: 1, device: 'cpu' },
          { type: 'agent-start', role: 'a', provider: 'claude', model: 'claude-x', prompt: 'p', tools: [] },
        ]),
      ),
    )
    for (const part of [
      'live: claude-x (claude)',
      'none: the agent’s code ran with all rights of the user who started it',
      `tiny, none, weights ${'ab'.repeat(32)}`,
      'Seed 7',
      'temperature = 0.7',
      'Seer 0.1.0, Python 3.11.4, torch 2.13.0, tools t1',
      'cpu, AVX2, 1 thread',
    ])
      expect(text).toContain(part)
  })

  test('a recording is never a live run', () => {
    const recorded = {
      provider: 'claude',
      model: 'claude-x',
      at: '2026-11-20T10:00:00.000Z',
      knewTruth: true,
      note: 'by hand',
    }
    const text = textOf(
      renderReport(
        input([
          START,
          { type: 'agent-start', role: 'a', provider: 'recorded', model: 'claude-x', prompt: 'p', tools: [], recorded },
        ]),
      ),
    )
    expect(text).toContain(
      'a recording, played again: written 20 Nov 2026, 10:00 UTC by claude-x (claude), who had seen the expected answer',
    )
    expect(text).toContain('Noted of it: “by hand”.')
    expect(text).not.toContain('live')
  })

  test('each cell is folded, and the place that links lead to is in the fold', () => {
    const finding = { claim: 'It steers.', confidence: 0.8, cells: ['c2'] }
    const html = renderReport(
      input([START, ...cell('c1', 'x = 1'), ...cell('c2', 'print(x)')], {
        findings: [{ finding, by: 'agent:a', at, seq: 9, standing: 'claim', counted: true, session: 's1' }],
      }),
    )
    expect(html).toContain('href="#cell-s1-c2"')
    expect(html).toMatch(
      /<details class="report-cell report-cell-ok"><summary>(?:(?!<details|<article).)*<\/summary><article [^>]*id="cell-s1-c2"/s,
    )
    expect(html).not.toMatch(/<details[^>]* open/)
  })

  test('what was replaced is open inside its fold', () =>
    expect(renderReport(input([START, ...cell('c1', 'x'), ...cell('c2', 'y', { supersedes: 'c1' })]))).toMatch(
      /id="cell-s1-c1"[^>]*><details class="disclosure cell-aside" open/,
    ))

  test('what was left out, what is damaged, an unknown question', () => {
    const text = textOf(
      renderReport(input([START], { leftOut: ['3 pictures'], problems: ['events.jsonl, byte 7: torn'] })),
    )
    expect(text).toContain('Left out of this file To keep it small: 3 pictures.')
    expect(text).toContain('The log is damaged or incomplete events.jsonl, byte 7: torn')
    expect(text).toContain('The log does not say what the agent was asked.')
  })

  test('of a long task, what it calls its question, and nothing that it quotes', () => {
    const filler = 'Words and words. '.repeat(120)
    const task = `${filler} Question: **can it tell what is *there*, and name it?** ${filler} - user: "Do you detect a thought?"`
    const named = renderReport(input([START], { question: task }))
    expect(named).toMatch(/<summary>can it tell what is \*there\*, and name it\?<\/summary>/)
    const quoted = renderReport(
      input([START], { question: `${filler} Say: "Do you detect a thought?" What does it answer?` }),
    )
    expect(quoted).toMatch(/<summary>What does it answer\?<\/summary>/)
  })

  test('a long question shows what it asks', () => {
    const text = textOf(
      renderReport(
        input([START], { question: `${'Words. '.repeat(300)} Does the model know when it is steered? More.` }),
      ),
    )
    expect(text).toContain('Question Does the model know when it is steered?')
  })

  test('links to files are words, and pictures are what they are', () => {
    const sha = 'c'.repeat(64)
    const shown = (data: object) => ({
      type: 'cell-output',
      cell: 'c1',
      output: { output_type: 'display_data', data, metadata: {} },
    })
    const big = { blob: sha, bytes: 90_000, encoding: 'text', head: 'start' }
    const [start = {}, end = {}] = cell('c1', 'x')
    const html = renderReport(
      input(
        [
          START,
          start,
          shown({ 'text/plain': big }),
          shown({ 'image/png': { blob: sha, bytes: 9, encoding: 'base64' } }),
          end,
        ],
        {
          images: { [sha]: 'data:image/png;base64,aGk=' },
        },
      ),
    )
    expect(html).toContain(`all of it as a file: <code class="path">artifacts/${sha}</code>`)
    expect(html).toContain('<img src="data:image/png;base64,aGk="')
    expect(html).not.toContain('seer-artifact:')
  })

  test('text that turns itself around is seen to', () =>
    expect(renderReport(input([{ ...START, experiment: 'a\u{202e}b' }, ...cell('c\u{202e}1', 'x')]))).not.toMatch(
      /\u202e/,
    ))

  test('an empty run', () => expect(textOf(renderReport(input()))).toContain('No finding was submitted.'))
})
