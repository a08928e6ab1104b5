/** Models lie where the handles say, can be loaded, and cannot be changed. */
import { describe, expect } from 'vitest'
import { createNotebookSession } from '../../src/session/notebook-session.ts'
import { Workspace } from '../../src/workspace/workspace.ts'
import type { Suite } from './suite.ts'

export function models(suite: Suite): void {
  const one = suite.shared({ models: [{ name: 'embedded', varName: 'subject' }] })

  describe('models', () => {
    suite.checks()('the handle says where it lies and what it is', async () => {
      const { sandbox, says } = await one()
      const [handle] = sandbox.modelHandles
      expect(handle).toMatchObject({
        varName: 'subject',
        isPeft: false,
        weightsSha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      })
      const shown = await says(`import os\nprint('config.json' in os.listdir(${JSON.stringify(handle!.path)}))`)
      expect(shown).toBe('True')
    })

    suite.checks()('it is loaded into its variable before the agent’s first cell', async () => {
      const { sandbox } = await one()
      const session = await createNotebookSession(sandbox, new Workspace())
      const { status, text } = await session.exec('print(subject.num_parameters())')
      expect([status, text.trim()]).toEqual(['ok', String(sandbox.modelHandles[0]!.parameters)])
    })

    suite.checks('confined')('its files can be neither changed nor added to', async () => {
      const { sandbox, says } = await one()
      const tried = await says(`import os
folder = ${JSON.stringify(sandbox.modelHandles[0]!.path)}
def refused(what):
    try: what()
    except OSError: return True
print(all([refused(lambda: open(folder + '/config.json', 'a')), refused(lambda: open(folder + '/new', 'w')),
           refused(lambda: os.unlink(folder + '/config.json')), refused(lambda: os.rename(folder, folder + 'x'))]))`)
      expect(tried).toBe('True')
    })
  })
}
