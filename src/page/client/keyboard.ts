/** The keys of the page. Never what is typed into a field, and never with a key that the browser or the system may want. */
import { isTyping } from './follow.ts'

export type Command =
  | 'next-cell'
  | 'previous-cell'
  | 'next-error'
  | 'previous-error'
  | 'next-figure'
  | 'previous-figure'
  | 'next-finding'
  | 'previous-finding'
  | 'open'
  | 'follow'
  | 'message'
  | 'help'

export const KEYS: readonly { keys: string; command: Command; words: string }[] = [
  { keys: 'j', command: 'next-cell', words: 'next cell' },
  { keys: 'k', command: 'previous-cell', words: 'previous cell' },
  { keys: 'e', command: 'next-error', words: 'next error' },
  { keys: 'E', command: 'previous-error', words: 'previous error' },
  { keys: 'f', command: 'next-figure', words: 'next figure' },
  { keys: 'F', command: 'previous-figure', words: 'previous figure' },
  { keys: 'g', command: 'next-finding', words: 'next finding' },
  { keys: 'G', command: 'previous-finding', words: 'previous finding' },
  { keys: 'o', command: 'open', words: 'open or close what is folded in this cell' },
  { keys: 'l', command: 'follow', words: 'to the end, and follow' },
  { keys: 'm', command: 'message', words: 'write to the agent' },
  { keys: '?', command: 'help', words: 'this help' },
]

export interface KeyLike {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
}

export function commandOf({ key, ctrlKey, metaKey, altKey }: KeyLike): Command | undefined {
  if (ctrlKey || metaKey || altKey) return undefined
  return KEYS.find(({ keys }) => keys === key)?.command
}

export function listenToKeys(run: (command: Command) => void): () => void {
  const listen = (event: KeyboardEvent) => {
    // A dialog has the keys while it is open.
    if (event.defaultPrevented || isTyping(event.target) || document.querySelector('dialog[open]')) return
    const command = commandOf(event)
    if (command === undefined) return
    event.preventDefault()
    run(command)
  }
  window.addEventListener('keydown', listen)
  return () => window.removeEventListener('keydown', listen)
}
