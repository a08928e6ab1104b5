/** What the notebook tools need of the session that they work on. */
import type { OutputList } from '../notebook/outputs.ts'
import type { OutputStretch } from '../notebook/read-output.ts'
import type { ReadBlob } from '../notebook/stream-text.ts'
import type { TreeEntry } from '../sandbox/backend.ts'
import type { By } from '../run/events.ts'
import type { Kernel } from '../kernel/kernel.ts'

export interface CellFacts {
  readonly kind: 'code' | 'markdown'
  readonly by: By
  readonly source: string
  readonly hidden: boolean
  readonly supersedes: string | null
  readonly supersededBy: string | null
  /** Taken out of the notebook. */
  readonly removed: boolean
  /** Null for markdown. */
  readonly status: 'running' | 'detached' | 'ok' | 'error' | 'aborted' | 'died' | 'stopped' | 'unknown' | null
  readonly executionCount: number | null
  /** Of the kernel that ran it. */
  readonly generation: number | null
  readonly outputs: OutputList
  /** Messages of it that came after its end. */
  readonly lateMessages: number
}

export interface Notebook {
  readonly kernel: Kernel
  readonly readBlob: ReadBlob
  /** A cell as the log has it now. */
  cell(id: string): CellFacts | undefined
  /** Cell ids in order. */
  cells(): string[]
  /** Cell ids as they came: a list that grows. */
  begun(): readonly string[]
  /** Cells that put out something after their end. */
  late(): readonly string[]
  /** By cell: how many of the messages that came after its end the agent has been told of. */
  readonly lateTold: Map<string, number>
  /** By who works with the kernel: the last generation that they know of. */
  readonly generationsKnown: Map<By, number>
  /** The tools that the agent has, by name. */
  readonly hasTool: (name: string) => boolean
  readOutput(cell: string, from: number, maxBytes: number): Promise<OutputStretch>
  /** Bytes of a plain file in the workspace. */
  readFile(path: string, maxBytes: number): Promise<Uint8Array>
  writeFile(path: string, bytes: Uint8Array): Promise<void>
  /** All that lies at a path of the workspace, but what is Seer's own. */
  listFiles(path: string, signal: AbortSignal): AsyncIterable<TreeEntry>
  /** Runs the set-up cells again, after a restart. */
  setUp(): Promise<void>
}
