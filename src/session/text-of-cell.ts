import { renderForModel } from '../notebook/render.ts'
import type { Run } from '../run/run.ts'

/** What a cell printed, as a model would be told of it. */
export async function textOf(run: Run, session: string, cell: string): Promise<string> {
  const outputs = run.cell(session, cell)?.outputs
  if (!outputs) return ''
  const blocks = await renderForModel(outputs, { cell, readBlob: (sha256, range) => run.artifacts.read(sha256, range) })
  return blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n')
}
