import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptEvents } from '../../test/fixtures/memory-run.ts'
import type { By } from '../run/events.ts'
import type { Notebook } from './notebook.ts'
import { shared } from './sharing.ts'
import { defineTool, runTool, toolsVersion } from './tool.ts'

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
  cell: () => undefined,
} as unknown as Notebook

let asked: By[] = []
const tool = (name: string) =>
  defineTool({
    name,
    description: 'D.',
    input: z.strictObject({ kind: z.enum(['code', 'text']).optional() }),
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
const call = (name: string, by: By, input = {}) =>
  runTool(
    tools,
    { id: 'x', name, input },
    {
      emit: keptEvents().emit,
      by,
      signal: new AbortController().signal,
      storeArtifact: () => '',
    },
  )

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
  expect(asked).toEqual(['agent:a', ...Array<By>(5).fill('agent:b')])
  running.delete('c1')
  ends.get('c1')!.resolve(undefined)
  expect(await call('execute_code', 'agent:b')).not.toHaveProperty('isError')
})
