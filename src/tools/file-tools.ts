/** Files of the workspace, for an agent that has no notebook. */
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import type { TreeEntry } from '../sandbox/backend.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { defineTool, type Tool } from './tool.ts'

const MAX_READ_BYTES = 1024 * 1024
const MAX_SHOWN_CHARS = 20_000
const MAX_LISTED = 500

/** What these tools need of a sandbox. */
export interface Files {
  readFile(path: string, options?: { maxBytes?: number }): Promise<Uint8Array>
  writeFile(path: string, content: string): Promise<void>
  entries(path: string, options: { signal: AbortSignal }): AsyncIterable<TreeEntry>
}

const path = z.string().min(1).max(4096).describe('A path in the workspace')

export function fileTools(files: Files): Tool[] {
  return [readFile(files), writeFile(files), listFiles(files)]
}

const readFile = (files: Files) =>
  defineTool({
    name: 'read_file',
    description:
      'Read a text file of the workspace. Long files come in parts: `from` is a position in characters, and the answer says where the next part begins.',
    input: z.strictObject({ path, from: z.int().min(0).default(0) }),
    result: z.strictObject({ path: z.string(), from: z.int(), next: z.int().nullable(), total: z.int() }),
    execute: async (input, { signal }) => {
      signal.throwIfAborted()
      const bytes = await files.readFile(input.path, { maxBytes: MAX_READ_BYTES })
      const whole = Buffer.from(bytes).toString('utf8')
      if (whole.includes('\uFFFD') || whole.includes('\0'))
        throw new SeerError('file-not-text', { message: `${input.path} is not a text in UTF-8.` })
      const part = whole.slice(input.from, input.from + MAX_SHOWN_CHARS)
      const end = input.from + part.length
      const next = end < whole.length ? end : null
      const more = next === null ? '' : ` More: read_file(path="${input.path}", from=${next}).`
      const headline = `${input.path}, characters ${input.from} to ${end} of ${whole.length}.${more}`
      return {
        content: [{ type: 'text', text: `${headline}\n${neutralise(part.toWellFormed())}` }],
        structured: { path: input.path, from: input.from, next, total: whole.length },
      }
    },
  })

const writeFile = (files: Files) =>
  defineTool({
    name: 'write_file',
    description: 'Write a text file into the workspace. Folders are made; a file that is there is replaced.',
    input: z.strictObject({ path, text: z.string().max(500_000) }),
    result: z.strictObject({ path: z.string(), bytes: z.int() }),
    execute: async (input) => {
      await files.writeFile(input.path, input.text)
      const bytes = Buffer.byteLength(input.text)
      return {
        content: [{ type: 'text', text: `${input.path} has been written (${bytes} bytes).` }],
        structured: { path: input.path, bytes },
      }
    },
  })

const listFiles = (files: Files) =>
  defineTool({
    name: 'list_files',
    description:
      'List the files and folders below a folder of the workspace, with their sizes. "." is the workspace itself.',
    input: z.strictObject({ path: path.default('.') }),
    result: z.strictObject({
      files: z.array(z.strictObject({ path: z.string(), bytes: z.int() })),
      complete: z.boolean(),
    }),
    execute: async (input, { signal }) => {
      const found: { path: string; bytes: number }[] = []
      let complete = true
      for await (const entry of files.entries(input.path, { signal })) {
        if (entry.kind !== 'file') continue
        if (found.length === MAX_LISTED) {
          complete = false
          break
        }
        found.push({ path: neutralise(entry.path.toWellFormed()), bytes: entry.bytes })
      }
      const lines = found.map((file) => `${file.bytes}\t${file.path}`)
      const more = complete ? [] : [`… more than ${MAX_LISTED} files: name a folder`]
      return {
        content: [{ type: 'text', text: [...lines, ...more].join('\n') || 'There are no files.' }],
        structured: { files: found, complete },
      }
    },
  })
