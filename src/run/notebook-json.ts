/** The text of notebook.ipynb, piece by piece: a cell that has not changed is not made again, and no piece is larger than a cell. */
import { inlineCell, inlineMetadata } from '../notebook/inline.ts'
import type { ReadBlob } from '../notebook/stream-text.ts'
import {
  aboutCell,
  endCell,
  notebookFrame,
  notebookItems,
  type NotebookItem,
  type NotebookState,
} from './fold-notebook.ts'

const COMMA = Buffer.from(',\n')

export class NotebookJson {
  readonly #readBlob: ReadBlob
  readonly #maxCacheBytes: number
  readonly #cache = new Map<string, { version: number; json: Buffer }>()
  #cachedBytes = 0

  constructor(readBlob: ReadBlob, maxCacheBytes = 128 * 1024 * 1024) {
    this.#readBlob = readBlob
    this.#maxCacheBytes = maxCacheBytes
  }

  *pieces(state: NotebookState): Generator<Buffer> {
    yield Buffer.from(`{"cells": [\n${JSON.stringify(aboutCell(state.summary), null, 1)}`)
    for (const item of notebookItems(state)) {
      yield COMMA
      yield this.#cell(item)
    }
    yield Buffer.from(`,\n${JSON.stringify(endCell(state.summary), null, 1)}`)
    // The frame's own braces, opened above.
    const frame = inlineMetadata(notebookFrame(state), this.#readBlob)
    yield Buffer.from(`\n],\n${JSON.stringify(frame, null, 1).slice(2)}\n`)
  }

  /** The cells of some sessions, with what was said before them, and nothing else of the run. */
  *piecesOf(state: NotebookState, isMeant: (session: string) => boolean): Generator<Buffer> {
    yield Buffer.from('{"cells": [\n')
    let isFirst = true
    for (const item of notebookItems(state)) {
      if (item.session === null || !isMeant(item.session)) continue
      if (!isFirst) yield COMMA
      isFirst = false
      yield this.#cell(item)
    }
    const { metadata, ...version } = notebookFrame(state)
    const { kernelspec, language_info } = metadata
    yield Buffer.from(
      `\n],\n${JSON.stringify({ metadata: { kernelspec, language_info }, ...version }, null, 1).slice(2)}\n`,
    )
  }

  #cell({ id, version, make }: NotebookItem): Buffer {
    const kept = this.#cache.get(id)
    if (kept?.version === version) return kept.json
    const json = Buffer.from(JSON.stringify(inlineCell(make(), this.#readBlob), null, 1))
    this.#keep(id, version, json)
    return json
  }

  #keep(id: string, version: number, json: Buffer): void {
    this.#cachedBytes -= this.#cache.get(id)?.json.byteLength ?? 0
    this.#cache.delete(id)
    // What does not fit is made again each time: the writer paces itself by how long it takes.
    if (this.#cachedBytes + json.byteLength > this.#maxCacheBytes) return
    this.#cache.set(id, { version, json })
    this.#cachedBytes += json.byteLength
  }
}
