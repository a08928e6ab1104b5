/** What a reader looks for in a cell: figures and failures. */
import { rasterMimeOf } from '../notebook/mime.ts'
import type { OutputItem } from '../notebook/outputs.ts'
import type { CellState } from '../run/fold-cells.ts'

export function imageMimeOfItem(item: OutputItem): string | undefined {
  if (item.kind !== 'data') return undefined
  return rasterMimeOf(item.output.data) ?? ('image/svg+xml' in item.output.data ? 'image/svg+xml' : undefined)
}

export function figuresIn({ outputs }: CellState): number {
  let figures = 0
  for (const list of [outputs.first, outputs.last])
    for (const item of list) if (imageMimeOfItem(item) !== undefined) figures += 1
  return figures
}

const FAILED = new Set(['error', 'aborted', 'died', 'stopped', 'unknown'])

export function hasFailed({ status, hidden }: CellState): boolean {
  return FAILED.has(status) && !hidden
}
