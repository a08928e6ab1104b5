/**
 * The `local` backend: processes and folders on this machine. The agent's code is behind a wall (`wall/wall.ts`), or, where that was
 * asked for, has the rights of the user who started it; every run says which.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { describeError, SeerError } from '../../errors.ts'
import { stateFolder } from '../../run/paths.ts'
import { socketPath } from '../../run/socket-path.ts'
import type { Layout, Machine, MachineProcess, StartedMachine, TreeEntry } from '../backend.ts'
import { checkedAttach, type LocalAttach } from './checked-attach.ts'
import { hostEnvironment } from './host-environment.ts'
import { keepForMount } from './keep-for-mount.ts'
import { removeMachine } from './remove-machine.ts'
import { writeRunOf } from './run-of-sandbox.ts'
import { sandboxFolder } from './sandbox-folder.ts'
import { makeCgroups, type Cgroups } from './wall/cgroups.ts'
import { limitsFor } from './wall/limits.ts'
import { machineFacts, prepareWall, type WallContents } from './wall/prepare-wall.ts'
import { makeOwned } from './wall/sources.ts'
import { INSIDE, USER_OF_ROOTS_SANDBOXES, type PreparedWall } from './wall/wall.ts'
import { putInside, writeInside } from './put-tree.ts'
import { takeInside } from './take-tree.ts'
import { readInside } from './workspace-files.ts'

/** The longest name of a socket in a sandbox's folder: a kernel's, `<session>-<generation>-5`. */
const SOCKET_NAME_BYTES = 24
const DEFAULT_MAX_READ_BYTES = 512 * 1024 * 1024

export interface StartedLocalMachine extends StartedMachine {
  /** Of a confined sandbox: how its wall is to be built. */
  readonly prepareWall: ((what: WallContents) => Promise<PreparedWall>) | undefined
  /** The same: keeps files for a mount. Returns where they are kept. */
  readonly keepForMount: ((entries: AsyncIterable<TreeEntry>) => Promise<string>) | undefined
}

/** `bwrap`: the program that confines; undefined for a sandbox that is not confined. What fails half way leaves nothing behind. */
export async function startLocalMachine(
  id: string,
  runFolder: string,
  { bwrap }: { bwrap: string | undefined },
): Promise<StartedLocalMachine> {
  const stateDir = sandboxFolder(id)
  const runtimeDir = dirname(socketPath([id, 'k'], { reserveBytes: SOCKET_NAME_BYTES }))
  const place = { id, stateDir, runtimeDir }
  let cgroups: Cgroups = { folders: [], held: {} }
  try {
    if (bwrap === undefined) {
      const layout = await makeFolders(place, runFolder)
      return {
        machine: localMachine(place, layout),
        layout,
        attach: place,
        prepareWall: undefined,
        keepForMount: undefined,
      }
    }
    const sources = join(stateDir, randomBytes(16).toString('hex'))
    const layout = await makeFolders({ ...place, sources }, runFolder)
    const limits = limitsFor(await machineFacts(stateDir))
    const made = (cgroups = makeCgroups(`seer-${id}`, limits))
    const attach = { ...place, sources, cgroups: [...made.folders] }
    return {
      machine: localMachine(attach, layout),
      layout,
      attach,
      prepareWall: (what) => prepareWall({ program: bwrap, layout, sources, limits, cgroups: made, ...what }),
      keepForMount: (entries) => keepForMount(sources, entries),
    }
  } catch (error) {
    await removeMachine({ ...place, cgroups: cgroups.folders }).catch(() => undefined)
    throw error
  }
}

async function makeFolders(attach: LocalAttach, runFolder: string): Promise<Layout> {
  const layout = localLayout(attach)
  const owner = ownerOf(attach)
  try {
    await mkdir(layout.stateDir, { recursive: true, mode: 0o700 })
    writeRunOf(layout.stateDir, runFolder)
    await mkdir(dirname(layout.workspace), { recursive: true, mode: 0o700 })
    for (const folder of [layout.workspace, layout.libraries, layout.kernelDir]) await makeOwned(folder, owner)
  } catch (error) {
    throw asUnusable(error)
  }
  return layout
}

/** What the system says where a file cannot be written; anything else as it is. */
export function asUnusable(error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error) || String(error.syscall).startsWith('spawn')) return error
  return new SeerError('state-folder-unusable', {
    message: `A sandbox's files cannot be put into the state folder ${stateFolder()}: ${describeError(error)}`,
    hint: 'Make room on that disk, or set XDG_STATE_HOME to a folder that you can write to.',
    cause: error,
  })
}

/** Root's sandboxes are another user's, and so are their files. */
function ownerOf({ sources }: LocalAttach): number | null {
  return sources !== undefined && process.getuid?.() === 0 ? USER_OF_ROOTS_SANDBOXES : null
}

/** A machine that an earlier process started, by what its run's log says of it; undefined where that cannot be one. It may have ended. */
export function attachLocalMachine(said: unknown): { machine: Machine; layout: Layout } | undefined {
  const attach = checkedAttach(said)
  if (!attach) return undefined
  const layout = localLayout(attach)
  return { machine: localMachine(attach, layout), layout }
}

function localLayout({ stateDir, runtimeDir, sources }: LocalAttach): Layout {
  const workspace = join(sources ?? stateDir, 'workspace')
  return {
    stateDir,
    runtimeDir,
    // Only this one is shared with kernels: whoever can write to the host's socket can ask it for anything.
    kernelDir: join(runtimeDir, 'k'),
    workspace,
    libraries: join(workspace, 'libraries'),
    workspaceInside: sources === undefined ? workspace : INSIDE.workspace,
    socket: join(runtimeDir, 'host.sock'),
    pythonDir: resolve(import.meta.dirname, '../../../python'),
  }
}

function localMachine(attach: LocalAttach, layout: Layout): Machine {
  const own = (path: string) => inWorkspace(path, layout.workspaceInside)
  const owner = ownerOf(attach)
  return {
    id: attach.id,
    spawn: (argv, options) => spawnProcess(argv, layout, options?.signal),
    readFile: (path, options) => readInside(layout.workspace, own(path), options?.maxBytes ?? DEFAULT_MAX_READ_BYTES),
    writeFile: (path, bytes) => writeInside(layout.workspace, own(path), bytes, owner),
    trees: {
      take: (path, options) => takeInside(layout.workspace, own(path), options?.signal),
      put: (path, entries) => putInside(layout.workspace, own(path), entries, owner),
    },
    terminate: () => removeMachine(attach),
  }
}

/** `/workspace` means the workspace wherever it lies: without a wall it is a folder of this machine. What leads out stays as it is. */
function inWorkspace(path: string, workspaceInside: string): string {
  if (!isAbsolute(path)) return path
  const ways = [INSIDE.workspace, workspaceInside].map((folder) => relative(folder, path))
  return ways.find((way) => way.split(sep)[0] !== '..') ?? path
}

function spawnProcess(argv: readonly string[], layout: Layout, signal?: AbortSignal): Promise<MachineProcess> {
  const [file, ...args] = argv
  // A process group of its own: Ctrl-C on the terminal is for Seer, which decides what it means for the sandbox.
  const child = spawn(file!, args, {
    cwd: layout.stateDir,
    env: hostEnvironment(process.env),
    stdio: 'pipe',
    detached: true,
    ...(signal ? { signal } : {}),
  })
  return new Promise((started, failed) => {
    child.once('error', (cause) =>
      failed(new SeerError('spawn-failed', { message: `Could not start ${file}: ${cause.message}`, cause })),
    )
    child.once('spawn', () => {
      const exited = new Promise<{ code: number | null; signal: string | null }>((resolve) => {
        child.once('exit', (code, name) => resolve({ code, signal: name }))
      })
      const kill = () => killGroup(child)
      const unref = () => {
        child.unref()
        for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket).unref()
      }
      started({ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exited, kill, unref })
    })
  })
}

/** With what it has started itself, unless that has left its group. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    // It has ended since.
  }
}
