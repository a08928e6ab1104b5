/** `seer mcp --experiment`: a `seer run` of its own, which outlives the client that started it, and saves what there is. */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { neutralise } from '../notebook/terminal-text.ts'

export interface ExperimentOptions {
  experiment: string
  profile?: string
  set: string[]
  subject?: string
  unconfined?: boolean
  outputDir: string
}

export interface StartedExperiment {
  readonly pid: number
  /** Why no agent is waited for, or not any more. */
  readonly problem: () => string | undefined
  /** It is not needed any more: one that has an agent ends when that leaves, another one now. */
  readonly leave: () => void
}

const errorSchema = z.object({ message: z.string(), hint: z.string().nullable().optional() })
const lastLineSchema = z.object({ error: errorSchema.nullable().optional(), status: z.string().optional() })

export function startForAgent({ experiment, ...options }: ExperimentOptions): StartedExperiment {
  const { profile, subject, set, unconfined, outputDir } = options
  const args = [
    'run',
    experiment,
    '--json',
    '--provider=outside',
    `--output-dir=${outputDir}`,
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...(subject === undefined ? [] : ['--subject', subject]),
    ...(unconfined ? ['--unconfined'] : []),
    ...set.flatMap((setting) => ['--set', setting]),
  ]
  // Apart from this process's group: a client that ends this one by force does not cut it off in the middle.
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1]!, ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  let last = ''
  let ended: string | undefined
  createInterface({ input: child.stdout! }).on('line', (line) => (last = line))
  child.on('error', (error) => (ended = `The experiment did not start: ${error.message}`))
  child.on('close', () => (ended ??= endText(last)))
  return {
    pid: child.pid ?? 0,
    problem: () => ended,
    leave() {
      if (child.connected) child.disconnect()
      child.unref()
    },
  }
}

function endText(line: string): string {
  const { error, status } = parsed(line)
  if (error) return neutralise(`The experiment has failed: ${error.message}${error.hint ? `\n${error.hint}` : ''}`)
  return `The experiment has ended${status === undefined ? '' : ` (${status})`}.`
}

function parsed(line: string): z.output<typeof lastLineSchema> {
  try {
    return lastLineSchema.parse(JSON.parse(line))
  } catch {
    return {}
  }
}
