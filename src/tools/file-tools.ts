/** Files of the workspace, without code. */
import { isUtf8 } from 'node:buffer'
import { z } from 'zod'
import { SeerError } from '../errors.ts'
import type { Notebook } from './notebook.ts'
import { defineTool, type Tool } from './tool.ts'
import { changes, reads } from './annotations.ts'

const MAX_READ_BYTES = 64 * 1024 * 1024
const MAX_SEEN = 20_000

/** What these tools need of a session. */
export type WorkspaceFiles = Pick<Notebook, 'readFile' | 'writeFile' | 'listFiles'>

const path = z.string().min(1).max(1000)

export function fileTools(place: WorkspaceFiles): Tool[] {
  return [listFiles(place), readFile(place), writeFile(place)]
}

const listFiles = (place: WorkspaceFiles) =>
  defineTool({
    name: 'list_files',
    description:
      'List files and folders of the workspace, with sizes. Use it to see what there is: data and libraries that you were given, and files that your code has written. Paths in the answer begin at the folder that you name. Works without a kernel.',
    input: z.strictObject({
      path: path.default('.').describe('A folder of the workspace'),
      depth: z.int().min(1).max(10).default(2),
      limit: z.int().min(1).max(500).default(200),
    }),
    result: z.strictObject({
      files: z.array(
        z.strictObject({
          path: z.string(),
          kind: z.enum(['file', 'folder', 'link', 'other']),
          bytes: z.int().nullable(),
        }),
      ),
      more: z.int().nonnegative(),
    }),
    annotations: reads('List files'),
    execute: async ({ path, depth, limit }, { signal }) => {
      const found: { path: string; kind: 'file' | 'folder' | 'link' | 'other'; bytes: number | null }[] = []
      let seen = 0
      let deeper = 0
      for await (const entry of place.listFiles(path, signal)) {
        if ((seen += 1) > MAX_SEEN) break
        if (entry.path.split('/').length > depth) deeper += 1
        else
          found.push({ path: entry.path || path, kind: entry.kind, bytes: entry.kind === 'file' ? entry.bytes : null })
      }
      found.sort((one, two) => (one.path < two.path ? -1 : 1))
      const files = found.slice(0, limit)
      const more = found.length - files.length
      const lines = files.map(({ path: name, kind, bytes }) =>
        kind === 'folder'
          ? `${name}/`
          : `${name}${bytes === null ? ` (${kind})` : `  ${bytes.toLocaleString('en-US')} bytes`}`,
      )
      const notes = [
        ...(more > 0 ? [`[… ${more} more; ask for a folder …]`] : []),
        ...(deeper > 0 ? [`[… ${deeper} deeper ones; ask with \`depth\` or for a folder …]`] : []),
        ...(seen > MAX_SEEN ? [`[… stopped after ${MAX_SEEN} entries …]`] : []),
      ]
      const text = [...(lines.length === 0 ? ['There is nothing in it.'] : lines), ...notes].join('\n')
      return { content: [{ type: 'text', text }], structured: { files, more } }
    },
  })

const readFile = (place: WorkspaceFiles) =>
  defineTool({
    name: 'read_file',
    description:
      'Read a text file of the workspace, all of it or a part by bytes. Returns the text and where to read on. For data, read with code in a cell; to keep a file with the run, use save_artifact.',
    input: z.strictObject({
      path,
      from: z.int().min(0).default(0),
      max_bytes: z.int().min(1).max(50_000).default(10_000),
    }),
    result: z.strictObject({ path: z.string(), from: z.int(), next: z.int().nullable(), total_bytes: z.int() }),
    annotations: reads('Read a file'),
    execute: async ({ path, from, max_bytes: maxBytes }) => {
      const bytes = Buffer.from(await place.readFile(path, MAX_READ_BYTES))
      if (!isUtf8(bytes))
        throw new SeerError('file-not-text', {
          message: `${path} is not a text file (${bytes.length.toLocaleString('en-US')} bytes).`,
          hint: 'Read it with code in a cell.',
        })
      const start = Math.min(from, bytes.length)
      const end = wholeEnd(bytes, start, Math.min(bytes.length, start + maxBytes))
      const next = end < bytes.length ? end : null
      const more = next === null ? 'This is the end.' : `More: read_file(path=${JSON.stringify(path)}, from=${next}).`
      const head = `${path}: bytes ${start} to ${end} of ${bytes.length}. ${more}`
      const text = bytes.subarray(start, end).toString()
      return {
        content: [{ type: 'text', text: head }, ...(text === '' ? [] : [{ type: 'text' as const, text }])],
        structured: { path, from: start, next, total_bytes: bytes.length },
      }
    },
  })

const writeFile = (place: WorkspaceFiles) =>
  defineTool({
    name: 'write_file',
    description:
      'Write a text file into the workspace, whole; one that is there is replaced. Use it for code to import or texts to read in; what code computes is better written by code. Returns how many bytes.',
    input: z.strictObject({ path, text: z.string().max(500_000) }),
    result: z.strictObject({ path: z.string(), bytes: z.int() }),
    annotations: changes('Write a file', { idempotentHint: true }),
    execute: async ({ path, text }) => {
      const bytes = Buffer.from(text.toWellFormed())
      await place.writeFile(path, bytes)
      const said = `${path} has been written (${bytes.length.toLocaleString('en-US')} bytes).`
      return { content: [{ type: 'text', text: said }], structured: { path, bytes: bytes.length } }
    },
  })

/** Not in the middle of a character; of one that has more bytes than were asked for, its end: else nobody would get past it. */
function wholeEnd(bytes: Buffer, start: number, end: number): number {
  const isInside = (at: number) => at < bytes.length && (bytes[at]! & 0xc0) === 0x80
  let at = end
  while (at > start && isInside(at)) at -= 1
  if (at > start) return at
  for (at = end; isInside(at);) at += 1
  return at
}
