/**
 * A machine on which processes can be started and files moved, with an end. Five members, and a backend that can do no more is
 * whole; an ability that some backends lack is an optional member, asked for before anything starts.
 */
import type { Readable, Writable } from 'node:stream'
import type { z } from 'zod'

export interface Machine {
  readonly id: string
  /** Starts a process beside the sandbox's files. It promises no shared pids, ports or /tmp with the kernel. */
  spawn(argv: readonly string[], options?: { signal?: AbortSignal }): Promise<MachineProcess>
  /** Paths are relative to the workspace. Throws `file-missing` or `file-too-large`. */
  readFile(path: string, options?: { maxBytes?: number }): Promise<Uint8Array>
  /** Parents are made. */
  writeFile(path: string, bytes: Uint8Array): Promise<void>
  /** Ends every process of the sandbox and gives back what it held. Idempotent. */
  terminate(): Promise<void>
  /** Whole trees of files, in and out: for uploads, downloads and snapshots. */
  readonly trees?: MachineTrees
}

export interface MachineTrees {
  /**
   * What lies at a path of the workspace: a file, whose own `path` is then '', or all that is in a folder, each folder before what is in
   * it. No link is followed. What cannot be taken comes as `other`. An entry holds until the next one is asked for.
   */
  take(path: string, options?: { signal?: AbortSignal | undefined }): AsyncIterable<TreeEntry>
  /** Puts entries below a path, or at it, where `path` is ''. Parents are made, a file that is there is replaced whole, no link is followed. */
  put(path: string, entries: AsyncIterable<TreeEntry> | Iterable<TreeEntry>): Promise<void>
}

/** Paths have slashes, and start at the tree. */
export type TreeEntry =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'other'; readonly path: string; readonly why: string }
  | TreeFile

export interface TreeFile {
  readonly kind: 'file'
  readonly path: string
  /** When it was found. */
  readonly bytes: number
  readonly isExecutable: boolean
  /** Its bytes, in pieces. Throws `file-changed` after the last one where the file was changed meanwhile. May be asked for twice. */
  read(): AsyncIterable<Uint8Array>
}

export interface MachineProcess {
  readonly stdin: Writable
  readonly stdout: Readable
  readonly stderr: Readable
  readonly exited: Promise<{ code: number | null; signal: string | null }>
  kill(): void
  /** From now on it does not keep this process alive. */
  unref?(): void
}

/** Where things lie on a machine: what the host process is told, and what a later process needs to find it again. */
export interface Layout {
  readonly stateDir: string
  readonly runtimeDir: string
  /** For the sockets of kernels. */
  readonly kernelDir: string
  readonly workspace: string
  /** The workspace as the agent's code sees it. */
  readonly workspaceInside: string
  readonly libraries: string
  readonly socket: string
  /** The folder of Seer's own Python on that machine. */
  readonly pythonDir: string
}

export interface StartedMachine {
  readonly machine: Machine
  readonly layout: Layout
  /** Goes into the log, so that `seer gc` can find a dead run's machine. */
  readonly attach: Record<string, z.core.util.JSONType>
}
