/** `seer show <run> --cell c4` and `--prompt`: what was written, whole: code, text, and what the agents were told. */
import { join } from 'node:path'
import { SeerError } from '../errors.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import type { EventOf } from '../run/events.ts'
import { readLog } from '../run/log-reader.ts'
import { findCell } from './find-cell.ts'
import type { Terminal } from './terminal.ts'

export async function printCellSource(
  terminal: Terminal,
  folder: string,
  cell: string,
  json: boolean,
): Promise<number> {
  const { session, kind, source } = await findCell(folder, cell)
  if (json) terminal.printLine({ folder, cell, session, kind, source })
  else terminal.printRaw(`${neutralise(source).replace(/\n+$/, '')}\n`)
  return 0
}

export async function printPrompts(terminal: Terminal, folder: string, json: boolean): Promise<number> {
  const starts: EventOf<'agent-start'>[] = []
  for await (const line of readLog(join(folder, 'events.jsonl')))
    if (line.kind === 'event' && line.event.type === 'agent-start') starts.push(line.event)
  if (starts.length === 0)
    throw new SeerError('unknown-agent', { message: 'No agent was started in this run, so there is no prompt.' })
  for (const [index, { role, prompt }] of starts.entries()) {
    if (json) terminal.printLine({ folder, role, prompt })
    else {
      if (starts.length > 1) terminal.print([...(index > 0 ? [''] : []), terminal.look.colors.bold(neutralise(role))])
      terminal.printRaw(`${neutralise(prompt).replace(/\n+$/, '')}\n`)
    }
  }
  return 0
}
