/** `seer show <run> --output c3`: the whole text output of one cell, however long, in one pass and in bounded memory. */
import { basename, join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { describeError, SeerError } from '../errors.ts'
import { showCommand } from '../harness/story/hint.ts'
import { isBlobRef, type BlobRef, type Output } from '../notebook/nbformat.ts'
import { segmentsOf } from '../notebook/output-text.ts'
import { outputsOf } from '../notebook/outputs.ts'
import { neutralise, writeToTerminal, type TerminalLine } from '../notebook/terminal-text.ts'
import { openArtifacts, type Artifacts } from '../run/artifacts.ts'
import { readCellMessages } from '../run/cell-messages.ts'
import { findCell } from './find-cell.ts'
import type { Terminal } from './terminal.ts'

const PART_BYTES = 1024 * 1024

export async function printCellOutput(
  terminal: Terminal,
  folder: string,
  cell: string,
  json: boolean,
): Promise<number> {
  const { session, id, kind } = await findCell(folder, cell)
  if (kind === 'text')
    throw new SeerError('cell-is-text', {
      message: `${cell} is a text cell, so it has no output.`,
      hint: `Its text: ${showCommand(basename(folder), folder, ['--cell', cell])}`,
    })
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
  let lateIsSaid = false
  for await (const { output, late } of readCellMessages(folder, session, cell)) {
    if (output.output_type === 'clear_output') continue
    const kind = output.output_type === 'stream' ? output.name : ''
    if (line.line !== '' && (kind !== last || kind === '')) take('\n')
    last = kind
    if (late && !lateIsSaid) {
      if (line.line !== '') take('\n')
      take("[after the cell's end:]\n")
      lateIsSaid = true
    }
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
