import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptEvents } from '../../test/fixtures/memory-run.ts'
import type { By } from '../run/events.ts'
import type { Notebook } from './notebook.ts'
import { shared } from './sharing.ts'
import { defineTool, runTool, toolsVersion, type ToolContext } from './tool.ts'

const running = new Map<string, By>()
const ends = new Map<string, PromiseWithResolvers<unknown>>()
const notebook = {
  kernel: {
    get running() {
      return [...running.keys()]
    },
    authorOf: (cell: string) => running.get(cell),
    ended: (cell: string) => ends.get(cell)?.promise,
  },
  begun: () => [],
  cell: (id: string) => (id === 't1' ? { kind: 'markdown' } : undefined),
} as unknown as Notebook

let asked: By[] = []
const tool = (name: string) =>
  defineTool({
    name,
    description: 'D.',
    input: z.strictObject({ kind: z.enum(['code', 'text']).optional(), cell: z.string().optional() }),
    result: z.strictObject({}),
    execute: (_, { by }) => {
      asked.push(by)
      return Promise.resolve({ content: [{ type: 'text', text: 'done' }], structured: {} })
    },
  })
const RUN_CODE = [
  'execute_code',
  'edit_cell',
  'insert_cell',
  'restore_cells',
  'start_session_resume_notebook',
  'start_session_continue_notebook',
]
const own = [...RUN_CODE, 'restart_kernel', 'interrupt', 'read_output', 'peek'].map(tool)
const { tools } = shared(notebook, own, 30)
const context = (by: By): ToolContext => ({
  emit: keptEvents().emit,
  by,
  signal: new AbortController().signal,
  storeArtifact: () => '',
})
const call = (name: string, by: By, input = {}) => runTool(tools, { id: 'x', name, input }, context(by))

test('recordings fit as before', () => expect(toolsVersion(tools)).toBe(toolsVersion(own)))

test('while another has a cell running, code is not run, and who it is is said; all else goes on', async () => {
  asked = []
  running.set('c1', 'agent:a')
  ends.set('c1', Promise.withResolvers())
  // It has taken the floor by a call that has returned.
  await call('execute_code', 'agent:a')
  for (const name of RUN_CODE) {
    const { isError, content, structured } = await call(name, 'agent:b')
    expect({ isError, structured }).toEqual({ isError: true, structured: { error: 'kernel-busy' } })
    expect(content).toMatchObject([{ text: expect.stringContaining('a has a cell running') as string }])
  }
  for (const name of ['restart_kernel', 'interrupt', 'read_output', 'peek'])
    expect(await call(name, 'agent:b')).not.toHaveProperty('isError')
  expect(await call('insert_cell', 'agent:b', { kind: 'text' })).not.toHaveProperty('isError')
  expect(await call('edit_cell', 'agent:b', { cell: 't1' })).not.toHaveProperty('isError')
  expect(await call('edit_cell', 'agent:b', { cell: 'c1' })).toMatchObject({ isError: true })
  expect(asked).toEqual(['agent:a', ...Array<By>(6).fill('agent:b')])
  running.delete('c1')
  ends.get('c1')!.resolve(undefined)
  expect(await call('execute_code', 'agent:b')).not.toHaveProperty('isError')
})

test('who took a cell out or moved it is said to the others, where it was done', async () => {
  const input = z.strictObject({ cell: z.string() })
  const arrange = ['delete_cell', 'move_cell'].map((name) =>
    defineTool({
      name,
      description: 'D.',
      input,
      result: z.strictObject({}),
      execute: ({ cell }) => {
        if (cell !== 'c2') throw new Error('no such cell')
        return Promise.resolve({ content: [{ type: 'text', text: 'done' }], structured: {} })
      },
    }),
  )
  const { tools } = shared(notebook, [...arrange, tool('read_output')], 30)
  const textsOf = async (name: string, by: By, input = {}) =>
    (await runTool(tools, { id: 'x', name, input }, context(by))).content.map((block) => 'text' in block && block.text)
  await textsOf('read_output', 'agent:a')
  for (const cell of ['c2', 'c3']) for (const { name } of arrange) await textsOf(name, 'agent:b', { cell })
  expect(await textsOf('read_output', 'agent:a')).toEqual([
    expect.stringMatching(/\n- b took c2 out of the notebook\.\n- b moved c2 to another place in the notebook\.$/),
    'done',
  ])
})
