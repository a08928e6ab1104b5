/** Names that could stand where the cursor is, asked of the kernel beside whatever runs in it. */
import { z } from 'zod'
import type { Kernel } from '../kernel/kernel.ts'
import type { Said } from './message.ts'

const SECONDS = 2
const MAX_NAMES = 200
const MAX_WORD = 500

const askedSchema = z.object({ code: z.string().max(1024 * 1024), cursor_pos: z.int().nonnegative() })
const namesSchema = z.array(z.string().max(1000)).max(MAX_NAMES)

export async function complete(kernel: Pick<Kernel, 'peek'>, content: unknown, signal: AbortSignal): Promise<Said> {
  const { data } = askedSchema.safeParse(content)
  if (!data) return completed([], 0, 0)
  // Python, as Jupyter's protocol does, counts characters and not halves of them.
  const before = Array.from(data.code).slice(0, data.cursor_pos)
  const end = before.length
  const word = /[\p{L}_][\p{L}\p{N}_.]*$/u.exec(before.slice(-MAX_WORD).join(''))?.[0] ?? ''
  const names = word === '' ? [] : await namesFor(kernel, word, signal).catch(() => [])
  return completed(names, end - Array.from(word).length, end)
}

/** The one expression has no value, so that all that is printed is the list. */
async function namesFor(kernel: Pick<Kernel, 'peek'>, word: string, signal: AbortSignal): Promise<string[]> {
  const find = `c.complete(${JSON.stringify(word)}, 0), print(__import__("json").dumps((c.matches or [])[:${MAX_NAMES}]))`
  const code = `(lambda c: (${find}) and None)(__import__("rlcompleter").Completer(globals()))`
  const { status, text } = await kernel.peek(code, SECONDS, signal)
  if (status !== 'ok') return []
  const names = namesSchema.parse(JSON.parse(text))
  return names.map((name) => name.replace(/[\s(:]+\)?$/, ''))
}

function completed(matches: string[], start: number, end: number): Said {
  const content = { status: 'ok', matches, cursor_start: start, cursor_end: end, metadata: {} }
  return { channel: 'shell', type: 'complete_reply', content }
}
