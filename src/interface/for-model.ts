/** A result as a language model is told of it: what it could not read is described, and long lists are cut, with their length. */
import type { z } from 'zod'

type Json = z.core.util.JSONType

const MAX_LIST = 64
const MAX_TEXT_CHARS = 20_000
const tagOf = (value: object): unknown => ('$seer' in value ? value.$seer : undefined)

/** `json` as it travelled: whole numbers that JavaScript cannot hold come as text. */
export function forModel(json: Uint8Array | string): { text: string; value: Json } {
  const value = shown(JSON.parse(typeof json === 'string' ? json : Buffer.from(json).toString('utf8'), exact))
  return { text: JSON.stringify(value, null, 1), value }
}

function exact(_: string, value: unknown, { source = '' }: { source?: string } = {}): unknown {
  return Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? source : value
}

function shown(value: unknown): Json {
  if (typeof value === 'string') return cutText(value)
  if (Array.isArray(value)) return shownList(value)
  if (typeof value !== 'object' || value === null) return (value ?? null) as Json
  if (tagOf(value) !== undefined) return tagged(value as Record<string, unknown>)
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown(inner)]))
}

function shownList(values: readonly unknown[]): Json {
  if (values.length <= MAX_LIST) return values.map(shown)
  return [...values.slice(0, MAX_LIST).map(shown), `… ${values.length - MAX_LIST} more; ${values.length} in all`]
}

function tagged({ $seer: kind, dtype, shape, value }: Record<string, unknown>): Json {
  if (kind === 'float') return typeof value === 'string' ? value : null
  if (kind === 'bytes') return '<bytes>'
  const size = Array.isArray(shape) ? shape.join(' × ') : '?'
  return `<${kind === 'tensor' ? 'tensor' : 'array'} of ${typeof dtype === 'string' ? dtype : 'numbers'}, shape ${size === '' ? '()' : size}>`
}

function cutText(text: string): string {
  if (text.length <= MAX_TEXT_CHARS) return text
  return `${text.slice(0, MAX_TEXT_CHARS).toWellFormed()}… ${text.length - MAX_TEXT_CHARS} more characters`
}
