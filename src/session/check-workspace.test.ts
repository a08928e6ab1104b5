import { expect, test } from 'vitest'
import { Sandbox } from '../environment/sandbox.ts'
import { Workspace } from '../workspace/workspace.ts'
import { checkWorkspace } from './check-workspace.ts'
import { createCliSession } from './cli-session.ts'
import { createNotebookSession } from './notebook-session.ts'

test.each([
  ['createNotebookSession', createNotebookSession],
  ['createCliSession', createCliSession],
])('%s says what is no workspace, before anything starts', async (name, create) => {
  for (const wrong of [{}, null, '/workspace']) {
    await expect(create(new Sandbox({}), wrong as never)).rejects.toThrow(
      expect.objectContaining({
        code: 'invalid-options',
        message: `${name}: the workspace is not a Workspace.`,
      }) as Error,
    )
  }
})

test('a workspace is one', () => {
  expect(() => checkWorkspace('x', new Workspace())).not.toThrow()
})
