/** A real cell goes the way that ARCHITECTURE.md says, function by function; and everything that the document names is there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { hopsOf, root, sources, type Hop } from './walk-document.ts'
import { nameProblems, rowProblems, walkProblems } from './walk-rules.ts'
import { walkOneCell, type Walk } from './walk-run.ts'

const markdown = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8')
const hops = hopsOf(markdown)
const files = sources()

test('every path, function and command of ARCHITECTURE.md is there', () =>
  expect(nameProblems(markdown, files)).toEqual([]))
test('its rows name functions of their files and processes', () => expect(rowProblems(hops, files)).toEqual([]))

test('its rows are those on record', async () => {
  // After a change on purpose: vitest run --project integration test/walk.test.ts -u
  const rows = hops.map(({ process, name, label }) => [process, name, label].filter(Boolean).join(' '))
  await expect(`${rows.join('\n')}\n`).toMatchFileSnapshot('./walk-rows.txt')
})

describe('one cell', () => {
  let walk: Walk
  beforeAll(async () => (walk = await walkOneCell(hops)), 300_000)

  test('goes the way of the tables, in their order', () => expect(walkProblems(markdown, files, walk)).toEqual([]))

  // The rules must be able to fail: at each row, for each way in which a document goes stale.
  test('and every change of a row is found', () => {
    expect(walkProblems(markdown, files, walk)).toEqual([])
    const missed = hops.flatMap((hop, i) =>
      changesOf(hop, hops[i + 1]).filter(
        ([, changed]) => changed === markdown || walkProblems(changed, files, walk).length === 0,
      ),
    )
    expect(missed.map(([what]) => what)).toEqual([])
  })
})

test('a name that is gone is found', () => {
  const gone = '`src/run/gone.ts` `Kernel.gone` `seer gone` `gone_tool`'
  expect(nameProblems(gone, files)).toHaveLength(4)
})

function changesOf(hop: Hop, next: Hop | undefined): [string, string][] {
  const row = rowOf(hop)
  const renamed = row.replace(hop.name, () => `${hop.name}Renamed`)
  const changes: [string, string][] = [[`${hop.number} renamed`, replaced({ [row]: renamed })]]
  // The last row and one beside the way leave no hole in the numbers: only the record above has them.
  if (next && !hop.beside) changes.push([`${hop.number} removed`, markdown.replace(`${row}\n`, '')])
  if (next && !hop.beside && !next.beside) {
    const other = rowOf(next)
    const swapped = { [row]: other.replace(next.number, hop.number), [other]: row.replace(hop.number, next.number) }
    changes.push([`${hop.number} and ${next.number} swapped`, replaced(swapped)])
  }
  return changes
}

function rowOf({ number }: Hop): string {
  return markdown.split('\n').find((line) => line.startsWith(`| ${number} |`))!
}

function replaced(lines: Record<string, string>): string {
  return markdown
    .split('\n')
    .map((line) => lines[line] ?? line)
    .join('\n')
}
