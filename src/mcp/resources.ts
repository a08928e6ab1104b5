/** What a client can read of a session beside its tools: the notebook, and the files of the workspace. */
import { isUtf8 } from 'node:buffer'
import { extname } from 'node:path'
import { ResourceNotFoundError, type ReadResourceResult, type Resource } from '@modelcontextprotocol/server'
import { describeError, SeerError } from '../errors.ts'
import { mediaTypeOf } from '../tools/media-types.ts'

export const NOTEBOOK_URI = 'seer://notebook.ipynb'
const WORKSPACE = 'seer://workspace/'
const MAX_FILE_BYTES = 8 * 1024 * 1024
const MAX_NOTEBOOK_BYTES = 32 * 1024 * 1024
const MAX_LISTED = 500

export interface WorkspaceFile {
  /** With slashes, from the workspace. */
  readonly path: string
  readonly bytes: number
}

/** What a session gives to be read. */
export interface Readable {
  /** The notebook as it stands, in pieces. */
  notebook(): Iterable<Uint8Array>
  /** In no order that means anything; the reader may stop at any one. */
  files(signal: AbortSignal): AsyncIterable<WorkspaceFile>
  /** Bytes of a plain file in the workspace. Throws a SeerError. */
  readFile(path: string, maxBytes: number): Promise<Uint8Array>
}

export const RESOURCE_TEMPLATES = [
  {
    name: 'workspace file',
    uriTemplate: `${WORKSPACE}{+path}`,
    description: 'A file of the workspace, by its path there.',
  },
]

export async function listResources(readable: Readable, signal: AbortSignal): Promise<Resource[]> {
  const listed: Resource[] = [
    {
      uri: NOTEBOOK_URI,
      name: 'notebook.ipynb',
      title: 'The notebook',
      description: 'All cells so far, with their outputs and who ran them.',
      mimeType: 'application/x-ipynb+json',
    },
  ]
  for await (const { path, bytes } of readable.files(signal)) {
    if (listed.length > MAX_LISTED) break
    listed.push({ uri: WORKSPACE + encodePath(path), name: path, size: bytes, mimeType: mediaTypeOf(path) })
  }
  return listed
}

/** Throws what the SDK makes an answer of. */
export async function readResource(readable: Readable, uri: string): Promise<ReadResourceResult> {
  if (uri === NOTEBOOK_URI) {
    const bytes = Buffer.concat(boundedPieces(readable.notebook()))
    return { contents: [{ uri, mimeType: 'application/x-ipynb+json', text: bytes.toString('utf8') }] }
  }
  const path = uri.startsWith(WORKSPACE) ? decodePath(uri.slice(WORKSPACE.length)) : undefined
  if (path === undefined || path === '') throw new ResourceNotFoundError(uri)
  try {
    const bytes = await readable.readFile(path, MAX_FILE_BYTES)
    const about = { uri, mimeType: mediaTypeOf(path) }
    return isText(path, bytes)
      ? { contents: [{ ...about, text: Buffer.from(bytes).toString('utf8') }] }
      : { contents: [{ ...about, blob: Buffer.from(bytes).toString('base64') }] }
  } catch (error) {
    if (error instanceof SeerError && error.endsRun) throw error
    throw new ResourceNotFoundError(uri, describeError(error))
  }
}

function boundedPieces(pieces: Iterable<Uint8Array>): Uint8Array[] {
  const kept: Uint8Array[] = []
  let bytes = 0
  for (const piece of pieces) {
    bytes += piece.byteLength
    if (bytes > MAX_NOTEBOOK_BYTES) {
      throw new ResourceNotFoundError(
        NOTEBOOK_URI,
        `The notebook has more than ${MAX_NOTEBOOK_BYTES / 1024 / 1024} MiB, which is more than is sent. It lies in the run's folder.`,
      )
    }
    kept.push(piece)
  }
  return kept
}

function isText(path: string, bytes: Uint8Array): boolean {
  return extname(path).toLowerCase() !== '.pdf' && isUtf8(bytes) && !bytes.includes(0)
}

const encodePath = (path: string) => path.split('/').map(encodeURIComponent).join('/')

function decodePath(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded)
  } catch {
    return undefined
  }
}
