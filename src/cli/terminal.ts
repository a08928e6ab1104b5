/** Where commands print: text for people, or JSON and nothing else. */
import { describeError } from '../errors.ts'
import { breakWords } from '../harness/story/columns.ts'
import { fit, lookOf, type Look } from '../harness/story/look.ts'
import { safeWriter, type Output } from '../harness/safe-writer.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { jsonLine } from './json-line.ts'

export interface Terminal {
  readonly look: Look
  /** A sentence of ours, broken between words. */
  say(text: string): void
  /** Lines that were made for this width; a wider one is cut. */
  print(lines: readonly string[]): void
  /** Text as it is: what somebody asked to be given whole. */
  printRaw(text: string): void
  /** One line of JSON: `tail -1` gives the last one. */
  printLine(value: unknown): void
  /** Resolves when the reader has caught up. */
  drained(): Promise<void>
  /** Nobody reads any more (`| head`): there is no use in going on. */
  readonly closed: boolean
}

export function openTerminal(out: Output = process.stdout, options: { color?: boolean } = {}): Terminal {
  const look = lookOf(out, options)
  const write = safeWriter(out)
  return {
    look,
    say: (text) => write(`${breakWords(text, look.width).join('\n')}\n`),
    print: (lines) => void (lines.length > 0 && write(`${lines.map((line) => fit(look, line)).join('\n')}\n`)),
    printRaw: write,
    printLine: (value) => write(`${jsonLine(value)}\n`),
    drained: () => write.drained(),
    get closed() {
      return write.closed
    },
  }
}

/** An error for people: on a terminal, broken between words. */
export function errorText(error: unknown, out: { isTTY?: boolean; columns?: number } = process.stderr): string {
  const lines = `seer: ${neutralise(describeError(error))}`.split('\n')
  return (out.isTTY ? lines.flatMap((line) => breakWords(line, out.columns || 80)) : lines).join('\n')
}

/** Where a defect showed. A file's name, which anyone may have chosen, stands in it. */
export function stackText({ stack = '' }: Error): string {
  return neutralise(stack)
}

export function heading({ colors, width }: Look, text: string): string[] {
  return ['', `${colors.bold(text)} ${colors.dim('─'.repeat(Math.max(2, Math.min(width, 80) - text.length - 1)))}`]
}
