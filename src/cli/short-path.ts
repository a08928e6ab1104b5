import { relative } from 'node:path'

/** Relative to the current folder where it lies inside. */
export function shortPath(path: string): string {
  const short = relative(process.cwd(), path)
  return short.startsWith('..') ? path : short || '.'
}
