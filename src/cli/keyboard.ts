/**
 * Single keys on the terminal while a run goes on: ESC, and what the terminal no longer makes of Ctrl-C, Ctrl-Z and Ctrl-\ once
 * keys come one by one. Only where both ends are a terminal and this process is in the foreground; the terminal is always put
 * back as it was, also when the process ends in another way.
 */
import { readFileSync } from 'node:fs'
import { StringDecoder } from 'node:string_decoder'

/** An arrow key is ESC and more. Between the two, over ssh or in tmux, may lie this long. */
const ESC_ALONE_MS = 60

export interface KeyHandlers {
  readonly onEscape: () => void
  readonly onInterrupt: () => void
}

interface TerminalInput {
  readonly isTTY?: boolean
  setRawMode?(raw: boolean): unknown
  on(event: 'data', listener: (chunk: Buffer) => void): unknown
  off(event: 'data', listener: (chunk: Buffer) => void): unknown
  resume(): unknown
  pause(): unknown
  unref?(): unknown
}

/** Undefined where there is no terminal to listen to; else how to stop listening. */
export function listenToKeys(
  handlers: KeyHandlers,
  input: TerminalInput = process.stdin,
  output: { isTTY?: boolean } = process.stdout,
): (() => void) | undefined {
  if (!input.isTTY || !output.isTTY || !input.setRawMode || !isInForeground()) return undefined
  const setRaw = (raw: boolean) => {
    try {
      input.setRawMode?.(raw)
    } catch {
      // The terminal has gone, and its mode with it.
    }
  }
  const restore = () => setRaw(false)
  const suspend = () => {
    restore()
    process.once('SIGCONT', () => setRaw(true))
    process.kill(process.pid, 'SIGTSTP')
  }
  const quit = () => {
    restore()
    process.kill(process.pid, 'SIGQUIT')
  }
  const keys = keyReader({ ...handlers, onSuspend: suspend, onQuit: quit })
  const decoder = new StringDecoder('utf8')
  const onData = (chunk: Buffer) => keys.take(decoder.write(chunk))
  setRaw(true)
  process.on('exit', restore)
  input.on('data', onData)
  input.resume()
  // A run that is over does not wait for a key.
  input.unref?.()
  return () => {
    input.off('data', onData)
    input.pause()
    keys.close()
    restore()
    process.off('exit', restore)
  }
}

/** Text from a terminal in raw mode, as keys. ESC counts when nothing follows it. */
export function keyReader(handlers: KeyHandlers & { onSuspend: () => void; onQuit: () => void }) {
  let alone: NodeJS.Timeout | undefined
  return {
    take(text: string): void {
      clearTimeout(alone)
      if (text.includes('\x03')) return handlers.onInterrupt()
      if (text.includes('\x1a')) return handlers.onSuspend()
      if (text.includes('\x1c')) return handlers.onQuit()
      if (text.endsWith('\x1b')) alone = setTimeout(handlers.onEscape, ESC_ALONE_MS)
    },
    close: () => clearTimeout(alone),
  }
}

/** A job in the background that touches the terminal is stopped by it. */
function isInForeground(): boolean {
  try {
    // After the command in brackets: state, parent, group, session, terminal, the terminal's foreground group.
    const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return group === foreground
  } catch {
    return true
  }
}
