import { expect, test } from 'vitest'
import { keptEvents } from '../../test/fixtures/memory-run.ts'
import { runCellsFold } from './fold-replay.ts'
import { fold } from './fold.ts'

test('the cells of one sandbox in the order in which they began, with how they ended and in which kernel', () => {
  const { events, emit } = keptEvents()
  const start = (sandbox: string, session: string, cell: string, by: 'setup' | 'agent:a' = 'agent:a') =>
    emit({ type: 'cell-start', by, sandbox, session, cell, code: `code of ${cell}`, hidden: by === 'setup' })
  const end = (session: string, cell: string, status: 'ok' | 'error', generation: number) =>
    emit({
      type: 'cell-end',
      by: 'system',
      session,
      cell,
      status,
      executionCount: 1,
      durationMs: 1,
      kernel: { generation, seq: 1 },
    })
  emit({
    type: 'session-start',
    by: 'system',
    sandbox: 'sb-1',
    session: 's1',
    kind: 'notebook',
    toolsVersion: '1',
    libraries: [{ name: 'helpers', sha256: 'a'.repeat(64) }],
    models: [],
  })
  start('sb-1', 's1', 'c1', 'setup')
  start('sb-1', 's2', 'c1')
  start('sb-2', 's3', 'c1')
  end('s2', 'c1', 'error', 1)
  end('s1', 'c1', 'ok', 2)
  end('s3', 'c1', 'ok', 1)
  start('sb-1', 's1', 'c2')
  expect(fold(runCellsFold('sb-1'), events)).toEqual({
    libraries: ['helpers'],
    begunBefore: [],
    cells: [
      { session: 's1', cell: 'c1', code: 'code of c1', by: 'setup', status: 'ok', generation: 2 },
      { session: 's2', cell: 'c1', code: 'code of c1', by: 'agent:a', status: 'error', generation: 1 },
      { session: 's1', cell: 'c2', code: 'code of c2', by: 'agent:a', status: 'running', generation: null },
    ],
  })
})

test('of a session that began in another run there is nothing to run again; of one that the same run took up again, all', () => {
  const { events, emit } = keptEvents()
  const place = { sandbox: 'sb-1', session: 's1' }
  const given = { kind: 'notebook', toolsVersion: '1', libraries: [], models: [] }
  const cell = (id: string, begun?: { run: string }) =>
    emit({
      type: 'cell-start',
      by: 'researcher',
      ...place,
      cell: id,
      code: id,
      hidden: false,
      ...(begun ? { begun } : {}),
    })
  const take = (run: string) => emit({ type: 'session-start', by: 'system', ...place, ...given, attached: { run } })
  cell('c1')
  take(events[0]!.run)
  cell('c1', { run: events[0]!.run })
  cell('c2')
  expect(fold(runCellsFold('sb-1'), events).cells.map(({ code }) => code)).toEqual(['c1', 'c2'])
  take('another')
  cell('c3')
  expect(fold(runCellsFold('sb-1'), events).cells.map(({ code }) => code)).toEqual(['c1', 'c2'])
})
