/** A shell in the sandbox, for an agent: one command at a time, with an end. */
import { z } from 'zod'
import type { SandboxProcess } from '../environment/exec/sandbox-process.ts'
import type { ProcessSpec } from '../environment/exec/start-process.ts'
import type { By } from '../run/events.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { defineTool, type Tool, type ToolContext } from './tool.ts'
import { changes } from './annotations.ts'

const MAX_SECONDS = 600
const DEFAULT_SECONDS = 60
/** Of each of stdout and stderr, so much is told: the beginning, and what came last. */
const HEAD_CHARS = 6000
const TAIL_CHARS = 6000
const MAX_KEPT_BYTES = 16 * 1024 * 1024

export interface Shell {
  readonly start: (spec: ProcessSpec) => Promise<SandboxProcess>
  readonly env: Readonly<Record<string, string>>
  readonly during: <T>(by: By, work: () => Promise<T>) => Promise<T>
}

const seconds = z.number().positive().max(MAX_SECONDS).default(DEFAULT_SECONDS)
const resultSchema = z.strictObject({
  process: z.string(),
  exit_code: z.int().nullable(),
  signal: z.string().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  because: z.string().optional(),
})

/** Python in a process of its own: for a session without a kernel. */
export function pythonTool(shell: Shell): Tool {
  return defineTool({
    name: 'run_python',
    description:
      'Run Python code in a new process, in the workspace. Nothing stays between calls but files. Returns exit code, stdout and stderr; of long output the beginning and the end.',
    input: z.strictObject({ code: z.string().min(1).max(100_000), seconds }),
    result: resultSchema,
    annotations: changes('Run Python', { openWorldHint: true }),
    execute: (input, context) =>
      shell.during(context.by, () => {
        // Found by the PATH of kernels: the one that sees what was installed later, too.
        const spec = { argv: ['python', '-'], input: input.code, purpose: 'run_python' }
        return runProcess(shell, spec, input.seconds, context)
      }),
  })
}

export function shellTools(shell: Shell): Tool[] {
  return [
    defineTool({
      name: 'run_shell',
      description:
        'Run a command in a shell (/bin/sh) in the workspace, with the same files, packages and network as the notebook. For looking at files and running programs; Python with variables that stay is execute_code. Returns exit code, stdout and stderr; of long output the beginning and the end. A command that takes longer than `seconds` is ended.',
      input: z.strictObject({ command: z.string().min(1).max(100_000), seconds }),
      result: resultSchema,
      annotations: changes('Run a command', { openWorldHint: true }),
      execute: (input, context) =>
        shell.during(context.by, () => {
          const spec = { argv: ['/bin/sh', '-c', input.command], purpose: 'run_shell' }
          return runProcess(shell, spec, input.seconds, context)
        }),
    }),
  ]
}

async function runProcess(
  { start, env }: Shell,
  spec: Pick<ProcessSpec, 'argv' | 'input' | 'purpose'>,
  timeout: number,
  { by, signal }: ToolContext,
) {
  const process = await start({ ...spec, env, by, signal, timeout, maxBytes: MAX_KEPT_BYTES })
  const said = { stdout: openEnds(), stderr: openEnds() }
  for await (const { stream, text } of process.output) said[stream].take(text)
  const { exitCode, signal: killedBy, because } = await process.ended
  const [stdout, stderr] = [said.stdout.text(), said.stderr.text()]
  const how = exitCode === null ? `ended by ${killedBy ?? 'something unknown'}` : `exit code ${exitCode}`
  const headline = `[${process.id}] ${because === undefined ? how : `${how}: ${because}`}.`
  const parts = [
    headline,
    ...(stdout === '' ? [] : [`stdout:\n${stdout}`]),
    ...(stderr === '' ? [] : [`stderr:\n${stderr}`]),
  ]
  return {
    content: [{ type: 'text' as const, text: parts.join('\n') }],
    structured: {
      process: process.id,
      exit_code: exitCode,
      signal: killedBy,
      stdout,
      stderr,
      ...(because === undefined ? {} : { because }),
    },
  }
}

/** The beginning and the end of a text, however long it is. */
function openEnds() {
  let head = ''
  let tail = ''
  let all = 0
  return {
    take(text: string) {
      all += text.length
      const room = HEAD_CHARS - head.length
      head += text.slice(0, Math.max(0, room))
      tail = (tail + text.slice(Math.max(0, room))).slice(-TAIL_CHARS)
    },
    text() {
      const left = all - head.length - tail.length
      const middle = left > 0 ? `\n[… ${left} characters left out …]\n` : ''
      return neutralise((head + middle + tail).toWellFormed())
    },
  }
}
