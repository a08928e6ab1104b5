/**
 * The folders of a sandbox and of its Python environment have names of this machine and this run. In a recording, which travels, and
 * where outputs are compared with it, they stand as `<workspace>` and `<environment>`.
 */
import { dirname } from 'node:path'
import type { RunEvent } from '../run/events.ts'
import { INSIDE } from '../sandbox/local/wall/wall.ts'

export type Places = readonly (readonly [path: string, name: string])[]

export function placesOf(events: readonly RunEvent[]): Places {
  return events.flatMap((event): [string, string][] => {
    if (event.type !== 'sandbox-start') return []
    const { python } = event.attach
    const environment: [string, string][] =
      typeof python === 'string' ? [[dirname(dirname(python)), '<environment>']] : []
    const inside: [string, string][] = event.confinement === 'none' ? [] : [[INSIDE.environment, '<environment>']]
    return [[event.workspacePath, '<workspace>'], ...environment, ...inside]
  })
}

/**
 * In all texts of a value, keys of objects aside. A folder that is not deep enough to be one of Seer's is left alone; a confined
 * sandbox's workspace is known by its name.
 */
export function hidePlaces<T>(value: T, places: Places): T {
  const deep = places.filter(([path]) => path === INSIDE.workspace || path.split('/').length > 2)
  return deep.length === 0 ? value : (hide(value, deep) as T)
}

function hide(value: unknown, places: Places): unknown {
  if (typeof value === 'string') return places.reduce((text, [path, name]) => text.replaceAll(path, name), value)
  if (Array.isArray(value)) return value.map((item) => hide(item, places))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hide(inner, places)]))
}
