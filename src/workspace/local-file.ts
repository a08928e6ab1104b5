/** Files of the researcher's that travel to a sandbox, and the hash by which they are known. */
import { createHash } from 'node:crypto'

export interface LocalFile {
  /** Where it lies in what it is a part of, with slashes. */
  readonly path: string
  readonly bytes: Uint8Array
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Of one file its own; of several that of the lines `<sha256>  <path>`, as `sha256sum` writes them, ordered by path. */
export function sha256OfFiles(files: readonly LocalFile[]): string {
  const [only] = files
  return files.length === 1 && only ? sha256Of(only.bytes) : sha256Of(Buffer.from(manifestOf(files)))
}

export function manifestOf(files: readonly LocalFile[]): string {
  const lines = files.map(({ path, bytes }) => [path, `${sha256Of(bytes)}  ${path}\n`] as const)
  return lines
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, line]) => line)
    .join('')
}
