/** A real cell goes the way that ARCHITECTURE.md says, function by function; and everything that the document names is there. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { hopsOf, root, sources } from './walk-document.ts'
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
    const rows = hops.map(({ number }) => markdown.split('\n').find((line) => line.startsWith(`| ${number} |`))!)
    const isFound = (changed: string) => walkProblems(changed, files, walk).length > 0
    const missed = rows.flatMap((row, i) => {
      const { number, name } = hops[i]!
      const next = rows[i + 1]
      const changes = {
        removed: markdown.replace(`${row}\n`, ''),
        renamed: markdown.replace(row, () => row.replace(name, () => `${name}Renamed`)),
        ...(next === undefined || /[a-z] \|/.test(`${row.slice(0, 6)}${next.slice(0, 6)}`)
          ? {}
          : { swapped: swapped(row, next) }),
      }
      return Object.entries(changes).flatMap(([what, changed]) =>
        changed !== markdown && isFound(changed) ? [] : [`${number} ${what}`],
      )
    })
    expect(missed).toEqual([])
  })
})

test('a name that is gone is found', () => {
  const gone = '`src/run/gone.ts` `Kernel.gone` `seer gone` `gone_tool`'
  expect(nameProblems(gone, files)).toHaveLength(4)
})

/** Two rows in each other's place; the numbers stay. */
function swapped(row: string, next: string): string {
  const number = (line: string) => line.split('|', 2).join('|')
  const rest = (line: string) => line.slice(number(line).length)
  return markdown
    .replace(row, () => number(row) + rest(next))
    .replace(new RegExp(`${escaped(next)}(?![^]*${escaped(next)})`), () => number(next) + rest(row))
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^$|()[\]{}\\/]/g, '\\$&')
}
