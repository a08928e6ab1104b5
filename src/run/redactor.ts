/**
 * Hides the secrets of a run: in place of a value stands `[secret NAME]`. Everything that a run writes goes through here, so nothing
 * that reads the log needs to know of it.
 *
 * This is against accidents. Code that is given a secret can always write it in a form that nobody searches for.
 */
import { isUtf8 } from 'node:buffer'
import { envelopeSchema, type EventInput } from './events.ts'
import { formsOf } from './secret-forms.ts'

export interface Secret {
  readonly name: string
  readonly value: string
}

export interface Redactor {
  /** From now on these are hidden too. */
  readonly keep: (secrets: readonly Secret[]) => void
  readonly text: (text: string) => string
  /** All strings of a JSON value, and the keys of its objects. The same value where there is nothing to hide. */
  readonly value: <T>(value: T) => T
  /** What is UTF-8 text. Other bytes are not searched. */
  readonly bytes: (bytes: Uint8Array) => Uint8Array
  /** The payload: what Seer itself stamps on an event holds no text of others. */
  readonly event: (event: EventInput) => EventInput
}

/** What stands in place of a secret's value. */
export function placeholder(name: string): string {
  return `[secret ${name}]`
}

const ENVELOPE = new Set(Object.keys(envelopeSchema.shape))

export function openRedactor(): Redactor {
  const names = new Map<string, string>()
  /** Where none of these is, none of the forms is: looking for them takes a fraction of a search by pattern. */
  let signs: string[] = []
  let pattern = /$^/g

  function keep(secrets: readonly Secret[]): void {
    for (const { name, value } of secrets)
      for (const form of formsOf(value)) if (!names.has(form)) names.set(form, name)
    const forms = [...names.keys()].sort((a, b) => b.length - a.length)
    signs = forms.filter((form) => !forms.some((other) => other !== form && form.includes(other)))
    pattern = new RegExp(forms.map((form) => RegExp.escape(form)).join('|'), 'g')
  }

  function text(given: string): string {
    for (const sign of signs)
      if (given.includes(sign)) return given.replace(pattern, (form) => placeholder(names.get(form) ?? ''))
    return given
  }

  function hide(value: unknown): unknown {
    if (typeof value === 'string') return text(value)
    if (Array.isArray(value)) {
      const hidden = value.map(hide)
      return hidden.some((item, i) => item !== value[i]) ? hidden : value
    }
    if (typeof value !== 'object' || value === null) return value
    let changed = false
    const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
      const entry: [string, unknown] = [text(key), hide(inner)]
      changed ||= entry[0] !== key || entry[1] !== inner
      return entry
    })
    return changed ? Object.fromEntries(entries) : value
  }

  return {
    keep,
    text,
    value: <T>(value: T) => (names.size === 0 ? value : (hide(value) as T)),
    bytes(bytes) {
      if (names.size === 0 || !isUtf8(bytes)) return bytes
      const given = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
      const hidden = text(given)
      return hidden === given ? bytes : Buffer.from(hidden)
    },
    event(event) {
      if (names.size === 0) return event
      const entries = Object.entries(event).map(([key, value]): [string, unknown] => [
        key,
        ENVELOPE.has(key) ? value : hide(value),
      ])
      return Object.fromEntries(entries) as EventInput
    },
  }
}
