import { expect, test } from 'vitest'
import { safeNotebook } from './notebook-copy.ts'

const HTML = '<img src=x onerror=alert(1)>'

test('nothing of the notebook acts, and nothing of it is to be changed', () => {
  const cells = [
    {
      id: 'a',
      cell_type: 'markdown',
      source: `![x](http://x) ${HTML}`,
      metadata: { trusted: true },
      attachments: { x: {} },
    },
    { id: 'b', cell_type: 'raw', source: HTML, metadata: {} },
    {
      id: 'c',
      cell_type: 'code',
      source: ['1\n', '2'],
      execution_count: 3,
      metadata: { jupyter: { source_hidden: true, other: 1 }, seer: {} },
      outputs: [
        { output_type: 'stream', name: 'stdout', text: HTML },
        {
          output_type: 'execute_result',
          execution_count: 3,
          data: { 'text/html': HTML },
          metadata: { isolated: true },
        },
      ],
    },
  ]
  const notebook = { nbformat: 4, nbformat_minor: 5, metadata: { widgets: {} }, cells }
  const safe = safeNotebook(notebook, { name: 'seer', title: 'Session s1' })
  const about = { editable: false, deletable: false, jupyter: { source_hidden: false, outputs_hidden: false } }
  expect(safe.metadata).toMatchObject({ kernelspec: { name: 'seer', display_name: 'Session s1' } })
  expect(Object.keys(safe.metadata)).toEqual(['kernelspec', 'language_info'])
  expect(safe.cells.slice(0, 2)).toEqual(
    ['a', 'b'].map((id) => ({
      id,
      cell_type: 'markdown',
      metadata: about,
      source: expect.not.stringContaining('<img'),
    })),
  )
  expect(safe.cells[2]).toEqual({
    id: 'c',
    cell_type: 'code',
    source: '1\n2',
    execution_count: 3,
    metadata: { ...about, jupyter: { source_hidden: true, outputs_hidden: false } },
    outputs: [
      { output_type: 'stream', name: 'stdout', text: HTML },
      {
        output_type: 'execute_result',
        execution_count: 3,
        data: { 'text/html': expect.stringMatching(/^<iframe sandbox=""/) },
        metadata: {},
      },
    ],
  })
})
