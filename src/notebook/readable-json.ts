import type { z } from 'zod'

type Json = z.core.util.JSONType

const WIDTH = 100
const MAX_INDENTED = 200_000

/**
 * JSON for a reader, given as a value or as its text: what fits on a line stands on one. Large values, which nobody reads whole, are
 * not spread out.
 */
export function readableJson(given: unknown): string {
  const value = valueOf(given)
  const flat = JSON.stringify(value)
  return flat.length <= MAX_INDENTED ? spread(value, flat, '') : flat
}

function valueOf(given: unknown): Json {
  try {
    return (typeof given === 'string' ? JSON.parse(given) : (given ?? null)) as Json
  } catch {
    return given as string
  }
}

function spread(value: Json, flat: string, indent: string): string {
  if (typeof value !== 'object' || value === null || indent.length + flat.length <= WIDTH)
    return withSpaces(value, flat)
  const inner = `${indent}  `
  const isList = Array.isArray(value)
  const entries: [string, Json][] = isList
    ? value.map((item) => ['', item])
    : Object.entries(value).map(([key, item]) => [`${JSON.stringify(key)}: `, item])
  const parts = entries.map(([key, item]) => key + spread(item, JSON.stringify(item), inner))
  const [open, close] = isList ? ['[', ']'] : ['{', '}']
  // Many short items, such as the numbers of a vector, share lines.
  const lines = isList && parts.every((part) => part.length <= 24) ? filled(parts, WIDTH - inner.length) : parts
  return `${open}\n${lines.map((line) => inner + line).join(',\n')}\n${indent}${close}`
}

function filled(parts: readonly string[], width: number): string[] {
  const lines: string[] = []
  for (const part of parts) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 2 + part.length <= width) lines[lines.length - 1] = `${last}, ${part}`
    else lines.push(part)
  }
  return lines
}

function withSpaces(value: Json, flat: string): string {
  if (typeof value !== 'object' || value === null) return flat
  if (Array.isArray(value)) return `[${value.map((item) => withSpaces(item, JSON.stringify(item))).join(', ')}]`
  const fields = Object.entries(value).map(
    ([key, item]) => `${JSON.stringify(key)}: ${withSpaces(item, JSON.stringify(item))}`,
  )
  return fields.length === 0 ? '{}' : `{${fields.join(', ')}}`
}
