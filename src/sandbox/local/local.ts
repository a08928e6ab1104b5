/**
 * The `local` backend: processes and folders on this machine. The agent's code is behind a wall (`wall/wall.ts`), or, where that was
 * asked for, has the rights of the user who started it; every run says which.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { dirname, isAbsolute, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { describeError, SeerError } from '../../errors.ts'
import { stateFolder } from '../../run/paths.ts'
import { socketPath } from '../../run/socket-path.ts'
import type { Layout, Machine, MachineProcess, StartedMachine } from '../backend.ts'
import { endHost } from './end-host.ts'
import { hostEnvironment } from './host-environment.ts'
import { makeCgroups, removeCgroups, type Cgroups } from './wall/cgroups.ts'
import { limitsFor } from './wall/limits.ts'
import { machineFacts, prepareWall } from './wall/prepare-wall.ts'
import { makeOwned } from './wall/sources.ts'
import { INSIDE, USER_OF_ROOTS_SANDBOXES, type PreparedWall } from './wall/wall.ts'
import { readInside, writeInside } from './workspace-files.ts'

/** The longest name of a socket in a sandbox's folder: a kernel's, `<session>-<generation>-5`. */
const SOCKET_NAME_BYTES = 24
const DEFAULT_MAX_READ_BYTES = 512 * 1024 * 1024

const attachSchema = z.object({
  id: z.string(),
  stateDir: z.string(),
  runtimeDir: z.string(),
  /** Of a confined sandbox: the folder, of a random name, in which the sources of its mounts lie. */
  sources: z.string().optional(),
  cgroups: z.array(z.string()).optional(),
})
export type LocalAttach = z.infer<typeof attachSchema>

export interface StartedLocalMachine extends StartedMachine {
  /** Of a confined sandbox: how its wall is to be built. */
  readonly prepareWall: ((what: { python: string; models: readonly string[] }) => Promise<PreparedWall>) | undefined
}

/** Names the run's folder inside a sandbox's own, so that a sandbox is never without its run. */
export const OWNER_FILE = 'run-folder'

/** `bwrap`: the program that confines; undefined for a sandbox that is not confined. */
export async function startLocalMachine(
  id: string,
  runFolder: string,
  { bwrap }: { bwrap: string | undefined },
): Promise<StartedLocalMachine> {
  const runtimeDir = dirname(socketPath([id, 'k'], { reserveBytes: SOCKET_NAME_BYTES }))
  const stateDir = join(stateFolder(), 'sandboxes', id)
  const place = { id, stateDir, runtimeDir }
  if (bwrap === undefined) {
    const layout = await makeFolders(place, runFolder)
    return { machine: localMachine(place, layout), layout, attach: place, prepareWall: undefined }
  }
  const sources = join(stateDir, randomBytes(16).toString('hex'))
  const layout = await makeFolders({ ...place, sources }, runFolder)
  const limits = limitsFor(await machineFacts(stateDir))
  const cgroups: Cgroups = makeCgroups(`seer-${id}`, limits)
  const attach = { ...place, sources, cgroups: [...cgroups.folders] }
  return {
    machine: localMachine(attach, layout),
    layout,
    attach,
    prepareWall: (what) => prepareWall({ program: bwrap, layout, sources, limits, cgroups, ...what }),
  }
}

async function makeFolders(attach: LocalAttach, runFolder: string): Promise<Layout> {
  const layout = localLayout(attach)
  const owner = ownerOf(attach)
  try {
    await mkdir(layout.stateDir, { recursive: true, mode: 0o700 })
    await writeFile(join(layout.stateDir, OWNER_FILE), `${runFolder}\n`)
    await mkdir(dirname(layout.workspace), { recursive: true, mode: 0o700 })
    for (const folder of [layout.workspace, layout.libraries, layout.kernelDir]) await makeOwned(folder, owner)
  } catch (cause) {
    throw new SeerError('state-folder-unusable', {
      message: `A sandbox's files cannot be put into the state folder ${stateFolder()}: ${describeError(cause)}`,
      hint: 'Make room on that disk, or set XDG_STATE_HOME to a folder that you can write to.',
      cause,
    })
  }
  return layout
}

/** Root's sandboxes are another user's, and so are their files. */
function ownerOf({ sources }: LocalAttach): number | null {
  return sources !== undefined && process.getuid?.() === 0 ? USER_OF_ROOTS_SANDBOXES : null
}

/** A machine that an earlier process started, by what its run's log says of it. It may have ended. */
export function attachLocalMachine(said: unknown): { machine: Machine; layout: Layout } | undefined {
  const attach = attachSchema.safeParse(said)
  if (!attach.success) return undefined
  const layout = localLayout(attach.data)
  return { machine: localMachine(attach.data, layout), layout }
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
  const own = (path: string) => (isAbsolute(path) ? relative(layout.workspaceInside, path) : path)
  return {
    id: attach.id,
    spawn: (argv, options) => spawnProcess(argv, layout, options?.signal),
    readFile: (path, options) => readInside(layout.workspace, own(path), options?.maxBytes ?? DEFAULT_MAX_READ_BYTES),
    writeFile: (path, bytes) => writeInside(layout.workspace, own(path), bytes, ownerOf(attach)),
    terminate: async () => {
      await endHost(layout)
      await removeCgroups(attach.cgroups ?? [])
      await rm(layout.runtimeDir, { recursive: true, force: true })
      await rm(layout.stateDir, { recursive: true, force: true })
    },
  }
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
      const kill = () => void child.kill('SIGKILL')
      const unref = () => {
        child.unref()
        for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket).unref()
      }
      started({ stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, exited, kill, unref })
    })
  })
}
