/** What ARCHITECTURE.md says of a cell's way, as data. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

/** A row of the walk: a function, in a file, and (where one function is called for several things) for what. */
export interface Hop {
  readonly number: string
  readonly process: string
  readonly name: string
  readonly label: string | undefined
  readonly file: string
  /** 0 for the first table of the walk. */
  readonly part: number
  /** A row with a letter goes on beside the way: only its place among the rows of its own process counts. */
  readonly beside: boolean
}

const ROW = /^\|\s*(\d+[a-z]?)\s*\|\s*(\w+)\s*\|\s*`([^`]+)`(?: `([^`]+)`)?\s*\|\s*`((?:src|python)\/[^`]+)`\s*\|/

export function hopsOf(markdown: string): Hop[] {
  const section = sectionOf(markdown, 'The way of one cell')
  return section.split(/^### /m).flatMap((text, i) =>
    text.split('\n').flatMap((line): Hop[] => {
      const [, number, process, name, label, file] = ROW.exec(line) ?? []
      if (number === undefined || process === undefined || name === undefined || file === undefined) return []
      return [{ number, process, name, label, file, part: i - 1, beside: /[a-z]$/.test(number) }]
    }),
  )
}

/** Files that the document names as passed through without a row of their own. */
export function filesAside(markdown: string): string[] {
  const paragraphs = sectionOf(markdown, 'The way of one cell').split('\n\n')
  return codeSpans(paragraphs.find((text) => text.startsWith('Passed through without a row:')) ?? '')
}

export function sectionOf(markdown: string, title: string): string {
  const section = markdown.split(/^## /m).find((text) => text.startsWith(title))
  if (section === undefined) throw new Error(`ARCHITECTURE.md has no section "${title}"`)
  return section
}

export function codeSpans(markdown: string): string[] {
  return [...markdown.replaceAll(/^ {4}.*$/gm, '').matchAll(/`([^`\n]+)`/g)].map((match) => match[1]!)
}

/** Every source of the product by its path from the root. */
export function sources(): Map<string, string> {
  const paths = globSync(['src/**/*.ts', 'python/seer_*/*.py', 'python/boot.py'], { cwd: root })
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}
