/** Reads the tables of docs/parity.md. */

export const DOCUMENT = 'docs/parity.md'

export interface Row {
  /** The framework's name: `Owner.member`, or `function()`. */
  readonly there: string
  /** Ours, as `Owner.member`; empty where there is none. */
  readonly here: string
  readonly state: string
  readonly differs: string
  readonly test: { readonly file: string; readonly title: string }
}

const TEST = /^\[[^\]]+\]\(([^)]+)\): (.+)$/

export function rowsOf(document: string): Row[] {
  return document.split('\n').flatMap((line) => {
    const cells = cellsOf(line)
    // The heads of tables, and the lines below them, do not begin with a name.
    if (!/^`[^`]+`$/.test(cells[0] ?? '')) return []
    const [there = '', here = '', state = '', differs = '', test = ''] = cells
    const [, file, title] = TEST.exec(test) ?? []
    if (cells.length !== 5 || file === undefined || title === undefined)
      throw new Error(`${DOCUMENT}: not a row of five cells that ends with [file](path): title\n${line}`)
    return [{ there: unquoted(there), here: here === '—' ? '' : unquoted(here), state, differs, test: { file, title } }]
  })
}

function cellsOf(line: string): string[] {
  if (!line.startsWith('|')) return []
  // A bar in a cell is written as \|.
  return line
    .split(/(?<!\\)\|/)
    .slice(1, -1)
    .map((cell) => cell.trim())
}

function unquoted(cell: string): string {
  return cell.replaceAll('`', '').replaceAll(String.raw`\|`, '|')
}
