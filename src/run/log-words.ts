import { z } from 'zod'
import { eventPayloads } from './events.ts'

let words: string | undefined

/** Whether a text stands in the words of which the log is made (`completed`, `execute_result`): hiding it would make events unreadable. */
export function isInLogWords(text: string): boolean {
  words ??= JSON.stringify(z.toJSONSchema(z.object(eventPayloads), { unrepresentable: 'any' }))
  return words.includes(text)
}
