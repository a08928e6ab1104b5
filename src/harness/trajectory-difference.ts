/**
 * In what a recording and the present run differ, in sentences. The name of the experiment and of the profile do not count:
 * what they stand for (task, params, libraries, subject) does, so that a copied experiment keeps its recording.
 */
import { isDeepStrictEqual } from 'node:util'
import type { MadeFor } from './trajectory.ts'

export function difference(recorded: MadeFor, now: MadeFor): string[] {
  return [
    ...paramDifferences(recorded.params, now.params, ''),
    ...textDifference('task text', recorded.prompt, now.prompt),
    ...textDifference('first message to the agent', recorded.userMessage, now.userMessage),
    ...listDifferences('library', 'content', recorded.libraries.map(libraryEntry), now.libraries.map(libraryEntry)),
    ...listDifferences(
      'skill',
      'content',
      (recorded.skills ?? []).map(libraryEntry),
      (now.skills ?? []).map(libraryEntry),
    ),
    ...listDifferences('subject model', 'weights', recorded.models.map(modelEntry), now.models.map(modelEntry)),
    ...(recorded.toolsVersion === now.toolsVersion
      ? []
      : [
          `tools: their names, arguments or result shapes have changed (version ${recorded.toolsVersion} → ${now.toolsVersion})`,
        ]),
  ]
}

const libraryEntry = ({ name, sha256 }: MadeFor['libraries'][number]): Entry => [name, sha256]
const modelEntry = ({ name, weightsSha256 }: MadeFor['models'][number]): Entry => [name, weightsSha256]

function paramDifferences(recorded: unknown, now: unknown, path: string): string[] {
  if (isDeepStrictEqual(recorded, now)) return []
  if (!isRecord(recorded) || !isRecord(now)) return [`param ${path}: ${shown(recorded)} → ${shown(now)}`]
  const keys = [...new Set([...Object.keys(recorded), ...Object.keys(now)])]
  return keys.flatMap((key) => paramDifferences(recorded[key], now[key], path === '' ? key : `${path}.${key}`))
}

function textDifference(what: string, recorded: string, now: string): string[] {
  if (recorded === now) return []
  const [before, after] = [recorded.split('\n'), now.split('\n')]
  const line = before.findIndex((text, i) => text !== after[i])
  const at = line === -1 ? before.length : line
  return [`${what}, line ${at + 1}: ${shownLine(before[at])} → ${shownLine(after[at])}`]
}

type Entry = readonly [name: string, hash: string]

function listDifferences(what: string, of: string, recorded: readonly Entry[], now: readonly Entry[]): string[] {
  const before = new Map(recorded)
  const after = new Map(now)
  const gone = [...before.keys()].filter((name) => !after.has(name))
  const added = [...after.keys()].filter((name) => !before.has(name))
  if (gone.length === 1 && added.length === 1) return [`${what}: ${gone[0]} → ${added[0]}`, ...changed()]
  return [
    ...gone.map((name) => `${what} ${name}: recorded with it, and now it is missing`),
    ...added.map((name) => `${what} ${name}: recorded without it`),
    ...changed(),
  ]

  function changed(): string[] {
    return [...before].flatMap(([name, hash]) => {
      const hashNow = after.get(name)
      if (hashNow === undefined || hashNow === hash) return []
      return [`${what} ${name}: other ${of} (sha256 ${hash.slice(0, 12)} → ${hashNow.slice(0, 12)})`]
    })
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: unknown): string {
  return value === undefined ? '(not set)' : shorten(JSON.stringify(value))
}

function shownLine(line: string | undefined): string {
  return line === undefined ? '(no such line)' : shorten(JSON.stringify(line))
}

function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 97)}…` : text
}
