/** Tools on the kernel as a whole, and on files of its workspace. */
import { basename } from 'node:path'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import { adds, changes } from './annotations.ts'
import { mediaTypeOf } from './media-types.ts'
import type { Notebook } from './notebook.ts'
import { againHint, ranIn } from './start-cell.ts'
import { defineTool, type Tool } from './tool.ts'

const MAX_ARTIFACT_BYTES = 256 * 1024 * 1024

export function kernelTools(notebook: Notebook): Tool[] {
  return [interrupt(notebook), restartKernel(notebook), saveArtifact(notebook)]
}

const interrupt = (notebook: Notebook) =>
  defineTool({
    name: 'interrupt',
    description:
      'Stop the running cell with a KeyboardInterrupt. Variables stay. Cells that wait behind it are not run.',
    input: z.strictObject({}),
    result: z.strictObject({ stopped: z.boolean() }),
    annotations: changes('Stop the running cell', { idempotentHint: true }),
    execute: async (_, { by }) => {
      const running = notebook.kernel.running
      if (running.length === 0)
        return { content: [{ type: 'text', text: 'No cell is running.' }], structured: { stopped: true } }
      const stopped = await notebook.kernel.interrupt(by)
      const text = stopped
        ? `${running[0]} was stopped.`
        : `${running[0]} did not stop: it ignores KeyboardInterrupt. Only restart_kernel will stop it, and that loses all variables.`
      return { content: [{ type: 'text', text }], structured: { stopped } }
    },
  })

const restartKernel = (notebook: Notebook) =>
  defineTool({
    name: 'restart_kernel',
    description:
      'Start the kernel anew. All variables are lost; the set-up (models, PARAMS, libraries) is run again. Cells and their output stay in the notebook.',
    input: z.strictObject({}),
    result: z.strictObject({ generation: z.int() }),
    annotations: changes('Start the kernel anew'),
    execute: async (_, { by, signal }) => {
      const ran = ranIn(notebook, notebook.kernel.generation)
      await notebook.kernel.start(signal)
      const { generation } = notebook.kernel
      notebook.generationsKnown.set(by, generation)
      await notebook.setUp()
      const again = notebook.hasTool('restore_cells') ? ` ${againHint(notebook, ran)}` : ''
      const text = `The kernel was started anew (number ${generation}). The set-up has run; all variables of your own are lost.${again}`
      return { content: [{ type: 'text', text }], structured: { generation } }
    },
  })

const saveArtifact = (notebook: Notebook) =>
  defineTool({
    name: 'save_artifact',
    description:
      'Keep a file of the workspace with the run (a figure, a table, a text), so that it outlives the sandbox. At most 256 MB.',
    input: z.strictObject({ path: z.string().min(1).describe('A path in the workspace') }),
    result: z.strictObject({ name: z.string(), sha256: z.string(), bytes: z.int() }),
    annotations: adds('Keep a file with the run', { idempotentHint: true }),
    execute: async ({ path }, { emit, by, storeArtifact }) => {
      const bytes = await notebook.readFile(path, MAX_ARTIFACT_BYTES)
      const name = basename(path)
      if (name.length > 200)
        throw new SeerError('file-name', { message: 'The file name is longer than 200 characters.' })
      const sha256 = storeArtifact(bytes)
      const mediaType = mediaTypeOf(name)
      emit({
        type: 'artifact-save',
        by,
        session: notebook.kernel.session,
        name,
        sha256,
        bytes: bytes.byteLength,
        mediaType,
      })
      return {
        content: [{ type: 'text', text: `${name} is kept with the run (${bytes.byteLength} bytes).` }],
        structured: { name, sha256, bytes: bytes.byteLength },
      }
    },
  })
