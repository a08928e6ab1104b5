/** `seer doctor`: what this machine has and lacks, a line each, and what to do about it. Installs and changes nothing. */
import type { Output } from '../harness/safe-writer.ts'
import { seerCommand } from '../seer-command.ts'
import { behind, linesOf, type Look } from '../harness/story/look.ts'
import type { Check } from './doctor-check.ts'
import { checkMachine } from './doctor-machine.ts'
import { checkPython } from './doctor-python.ts'
import { checkSandboxes } from './doctor-sandboxes.ts'
import { openTerminal } from './terminal.ts'

export interface DoctorOptions {
  readonly json?: boolean
  readonly outputDir?: string
  readonly env?: NodeJS.ProcessEnv
  readonly out?: Output
  readonly color?: boolean
}

const LABEL = 18

/** Returns the exit code: 1 when there is a problem. */
export async function doctor(options: DoctorOptions = {}): Promise<number> {
  const { json = false, outputDir = 'outputs', env = process.env, out, color } = options
  const terminal = openTerminal(out, color === undefined ? {} : { color })
  const checks: Check[] = []
  for (const part of [checkMachine(outputDir, env), checkPython(env), checkSandboxes(env)]) {
    for await (const check of part) {
      checks.push(check)
      if (!json) terminal.print(checkLines(terminal.look, check))
    }
  }
  const counts = { ok: 0, warning: 0, problem: 0 }
  for (const { level } of checks) counts[level] += 1
  const status = counts.problem > 0 ? 'problem' : 'ok'
  if (json) {
    for (const check of checks) terminal.printLine(check)
    terminal.printLine({ run: null, folder: null, status, ...counts })
  } else terminal.print(['', verdict(terminal.look, counts.problem)])
  return counts.problem > 0 ? 1 : 0
}

function verdict({ colors }: Look, problems: number): string {
  const command = seerCommand(['run', 'sandbox-intro'])
  if (problems === 0) return colors.green(`${command} can start here.`)
  return colors.red(`${problems === 1 ? 'One problem stands' : `${problems} problems stand`} in the way of ${command}.`)
}

function checkLines(look: Look, { name, level, text, hint }: Check): string[] {
  const { colors } = look
  const mark = { ok: colors.green('ok     '), warning: colors.yellow('warning'), problem: colors.red('problem') }[level]
  const blank = ' '.repeat(9 + LABEL)
  const [first = blank, ...more] = behind(look, blank, linesOf(text), { fold: 'words' })
  const label = colors.bold(name.padEnd(LABEL))
  const todo = hint === undefined ? [] : behind(look, `${blank}→ `, linesOf(hint), { fold: 'words' })
  return [`${mark}  ${label}${first.slice(blank.length)}`, ...more, ...todo]
}
