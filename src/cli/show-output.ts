/** `seer show <run> --output c3`: the whole text output of one cell, however long, in one pass and in bounded memory. */
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { didYouMean } from '../did-you-mean.ts'
import { describeError, SeerError } from '../errors.ts'
import { isBlobRef, type BlobRef, type Output } from '../notebook/nbformat.ts'
import { segmentsOf } from '../notebook/output-text.ts'
import { outputsOf } from '../notebook/outputs.ts'
import { neutralise, writeToTerminal, type TerminalLine } from '../notebook/terminal-text.ts'
import { openArtifacts, type Artifacts } from '../run/artifacts.ts'
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
  const { session, id } = await findCell(folder, cell)
  let bytes = 0
  for await (const text of cellText(folder, session, id)) {
    if (terminal.closed) break
    bytes += Buffer.byteLength(text)
    if (json) terminal.printLine({ cell, text })
    else terminal.printRaw(neutralise(text))
    await terminal.drained()
  }
  if (json) terminal.printLine({ folder, cell, session, bytes })
  return 0
}

/** As a terminal would leave each line. What was cleared is there too, and of a changed display every state. */
async function* cellText(folder: string, session: string, cell: string): AsyncGenerator<string> {
  const artifacts = openArtifacts(join(folder, 'artifacts'))
  const line: TerminalLine = { line: '', column: null }
  const settled: string[] = []
  const take = (text: string) => writeToTerminal(line, text, (part) => settled.push(part))
  let last = ''
  for await (const output of readCellMessages(folder, session, cell)) {
    if (output.output_type === 'clear_output') continue
    const kind = output.output_type === 'stream' ? output.name : ''
    if (line.line !== '' && (kind !== last || kind === '')) take('\n')
    last = kind
    for (const part of partsOf(output, artifacts)) {
      take(part)
      if (settled.length > 0) yield settled.splice(0).join('')
    }
  }
  if (line.line !== '') take('\n')
  yield* settled
}

function* partsOf(output: Exclude<Output, { output_type: 'clear_output' }>, artifacts: Artifacts): Generator<string> {
  if (output.output_type === 'stream') {
    if (isBlobRef(output.text)) yield* blobText(output.text, artifacts)
    else yield output.text
    return
  }
  const shown =
    output.output_type === 'update_display_data' ? { ...output, output_type: 'display_data' as const } : output
  for (const { text, source, from, to } of segmentsOf(outputsOf([shown]))) {
    if (text !== undefined) yield text
    else if (source?.kind === 'blob') yield* blobText({ blob: source.sha256, bytes: to - from }, artifacts, source.at)
  }
}

function* blobText(
  { blob, bytes }: Pick<BlobRef, 'blob' | 'bytes'>,
  artifacts: Artifacts,
  start = 0,
): Generator<string> {
  const decoder = new StringDecoder('utf8')
  try {
    for (let at = start; at < start + bytes; at += PART_BYTES) {
      const part = artifacts.read(blob, { from: at, to: Math.min(start + bytes, at + PART_BYTES) })
      yield decoder.write(Buffer.from(part.buffer, part.byteOffset, part.byteLength))
    }
    yield decoder.end()
  } catch (error) {
    yield `\n[${bytes} bytes are not here: ${describeError(error)}]\n`
  }
}

async function findCell(folder: string, cell: string): Promise<{ session: string; id: string }> {
  const known = new Map<string, { session: string; id: string }>()
  for await (const line of readLog(join(folder, 'events.jsonl'))) {
    if (line.kind !== 'event' || line.event.type !== 'cell-start') continue
    const { session = '', cell: id = '' } = line.event
    // Ids count up in each session: of several sessions, `s2/c3` names one.
    for (const name of [id, `${session}/${id}`]) if (!known.has(name)) known.set(name, { session, id })
  }
  const found = known.get(cell)
  if (found) return found
  const names = [...known.keys()].filter((name) => !name.includes('/'))
  throw new SeerError('unknown-cell', {
    message: `This run has no code cell "${cell}"${didYouMean(cell, names)}`,
    hint:
      names.length > 0
        ? `The cells are: ${names.slice(0, 30).join(', ')}${names.length > 30 ? ', …' : ''}`
        : 'It has none.',
  })
}
