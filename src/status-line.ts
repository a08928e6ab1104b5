/**
 * The last line of a terminal, redrawn in place while something is waited for: what it is, and for how long. Without a terminal
 * there is none. Whoever writes beside it hides it first.
 */
import pc from 'picocolors'

export interface StatusOutput {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

export interface StatusLine extends Disposable {
  /** Until its next second. */
  hide(): void
}

const CLEAR = '\r\x1b[2K'
const shown = new Set<StatusLine>()

/** `text` is asked each second; undefined: nothing is waited for. It must hold nothing that others wrote. */
export function openStatusLine(out: StatusOutput, text: (now: number) => string | undefined): StatusLine {
  if (out.isTTY !== true) return { hide: () => undefined, [Symbol.dispose]: () => undefined }
  let isDrawn = false
  const line: StatusLine = {
    hide() {
      if (isDrawn) out.write(CLEAR)
      isDrawn = false
      shown.delete(line)
    },
    [Symbol.dispose]() {
      clearInterval(timer)
      line.hide()
    },
  }
  const draw = () => {
    const now = text(Date.now())
    if (now === undefined) return line.hide()
    out.write(`${CLEAR}${pc.dim(now.slice(0, Math.max(10, (out.columns || 80) - 1)))}`)
    isDrawn = true
    shown.add(line)
  }
  const timer = setInterval(draw, 1000).unref()
  return line
}

/** Says what is waited for until it is disposed of: `loading the model … 12 s`. */
export function showWaiting(what: string, out: StatusOutput = process.stderr): StatusLine {
  const since = Date.now()
  return openStatusLine(out, (now) => `${what} … ${Math.round((now - since) / 1000)} s`)
}

export function hideStatusLines(): void {
  for (const line of shown) line.hide()
}
