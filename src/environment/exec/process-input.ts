/** What a process is given: that it can be handed to the system, and fits one message to the sandbox. */
import { SeerError } from '../../errors.ts'
import { size } from '../../amounts.ts'

/** Linux takes 128 KiB for one argument, with the zero at its end. */
const MAX_ARGUMENT_BYTES = 128 * 1024 - 1
/** In base64 it has a third more. */
const MAX_INPUT_BYTES = 525_000

const WRITE_IT = 'Write it to a file of the workspace with `sandbox.writeFile`, and let the command read that.'

export function checkedArgv(argv: readonly string[]): string[] {
  const isList = Array.isArray(argv) && argv.every((argument) => typeof argument === 'string')
  if (!isList) throw refused('the command must be a text, or a list of texts')
  const [program] = argv
  if (program === undefined || program === '') throw refused('the command is empty')
  for (const argument of argv) {
    if (argument.includes('\0')) throw refused('a command cannot hold a NUL character')
    const bytes = Buffer.byteLength(argument)
    if (bytes <= MAX_ARGUMENT_BYTES) continue
    throw refused(
      `a part of the command has ${size(bytes)}, and the system takes ${size(MAX_ARGUMENT_BYTES)}`,
      WRITE_IT,
    )
  }
  return [...argv]
}

export function checkedInput(input: string | Uint8Array | undefined): Buffer {
  const bytes = Buffer.from(input ?? '')
  if (bytes.length <= MAX_INPUT_BYTES) return bytes
  throw refused(`its input has ${size(bytes.length)}, and can have ${size(MAX_INPUT_BYTES)}`, WRITE_IT)
}

function refused(why: string, hint?: string): SeerError {
  return new SeerError('exec-refused', { message: `Nothing was started: ${why}.`, ...(hint ? { hint } : {}) })
}
