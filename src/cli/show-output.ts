/** `seer show <run> --output c3`: the whole text output of one cell, however long, in bounded memory. */
import { join } from 'node:path'
import { didYouMean } from '../did-you-mean.ts'
import { SeerError } from '../errors.ts'
import { readOutput } from '../notebook/read-output.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { openArtifacts } from '../run/artifacts.ts'
import { readCellMessages } from '../run/cell-messages.ts'
import { readLog } from '../run/log-reader.ts'
import type { Terminal } from './terminal.ts'

const PART_BYTES = 1024 * 1024

export async function printCellOutput(
  terminal: Terminal,
  folder: string,
  cell: string,
  json: boolean,
): Promise<number> {
  const session = await sessionOf(folder, cell)
  const artifacts = openArtifacts(join(folder, 'artifacts'))
  const messages = () => readCellMessages(folder, session, cell)
  const readBlob = (sha256: string, range?: { from: number; to: number }) => artifacts.read(sha256, range)
  let from: number | null = 0
  let totalBytes = 0
  while (from !== null && !terminal.closed) {
    const part = await readOutput(messages, { from, maxBytes: PART_BYTES, readBlob })
    if (json) terminal.printLine({ cell, from: part.from, text: part.text })
    else terminal.printRaw(neutralise(part.text))
    if (part.next === null && !json && part.text !== '' && !part.text.endsWith('\n')) terminal.printRaw('\n')
    from = part.next
    totalBytes = part.totalBytes
  }
  if (json) terminal.printLine({ folder, cell, session, bytes: totalBytes })
  return 0
}

/** Cell ids count up in each session: of several sessions, `s2/c3` names one. */
async function sessionOf(folder: string, cell: string): Promise<string> {
  const known = new Map<string, string>()
  for await (const line of readLog(join(folder, 'events.jsonl'))) {
    if (line.kind !== 'event' || line.event.type !== 'cell-start') continue
    const { session = '', cell: id = '' } = line.event
    if (!known.has(id)) known.set(id, session)
  }
  const session = known.get(cell)
  if (session !== undefined) return session
  throw new SeerError('unknown-cell', {
    message: `This run has no code cell "${cell}"${didYouMean(cell, known.keys())}`,
    hint:
      known.size > 0
        ? `The cells are: ${[...known.keys()].slice(0, 30).join(', ')}${known.size > 30 ? ', …' : ''}`
        : 'It has none.',
  })
}
