/**
 * The `local` backend: processes and folders on this machine. Nothing is confined yet: the code that runs in such a sandbox has
 * the rights of the user who started it, and every run says so.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open, realpath, rename, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { z } from 'zod'
import { describeError, SeerError } from '../../errors.ts'
import { stateFolder } from '../../run/paths.ts'
import { socketPath } from '../../run/socket-path.ts'
import type { Layout, Machine, MachineProcess, StartedMachine } from '../backend.ts'
import { endHost } from './end-host.ts'

/** The longest name of a socket in a sandbox's folder: a kernel's, `<session>-<generation>-5`. */
const SOCKET_NAME_BYTES = 24
const DEFAULT_MAX_READ_BYTES = 512 * 1024 * 1024

export const localConfinement = 'none'

const attachSchema = z.object({ id: z.string(), stateDir: z.string(), runtimeDir: z.string() })
export type LocalAttach = z.infer<typeof attachSchema>

/** Names the run's folder inside a sandbox's own, so that a sandbox is never without its run. */
export const OWNER_FILE = 'run-folder'

export async function startLocalMachine(id: string, runFolder: string): Promise<StartedMachine> {
  const runtimeDir = dirname(socketPath([id, 'k'], { reserveBytes: SOCKET_NAME_BYTES }))
  const attach = { id, stateDir: join(stateFolder(), 'sandboxes', id), runtimeDir }
  const layout = localLayout(attach)
  try {
    await mkdir(layout.stateDir, { recursive: true, mode: 0o700 })
    await writeFile(join(layout.stateDir, OWNER_FILE), `${runFolder}\n`)
    for (const folder of [layout.workspace, layout.libraries]) await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (cause) {
    throw new SeerError('state-folder-unusable', {
      message: `A sandbox's files cannot be put into the state folder ${stateFolder()}: ${describeError(cause)}`,
      hint: 'Make room on that disk, or set XDG_STATE_HOME to a folder that you can write to.',
      cause,
    })
  }
  return { machine: localMachine(attach, layout), layout, attach }
}

/** A machine that an earlier process started, by what its run's log says of it. It may have ended. */
export function attachLocalMachine(said: unknown): { machine: Machine; layout: Layout } | undefined {
  const attach = attachSchema.safeParse(said)
  if (!attach.success) return undefined
  const layout = localLayout(attach.data)
  return { machine: localMachine(attach.data, layout), layout }
}

function localLayout({ stateDir, runtimeDir }: LocalAttach): Layout {
  const workspace = join(stateDir, 'workspace')
  return {
    stateDir,
    runtimeDir,
    workspace,
    libraries: join(workspace, 'libraries'),
    socket: join(runtimeDir, 'host.sock'),
    pythonDir: resolve(import.meta.dirname, '../../../python'),
  }
}

function localMachine({ id }: LocalAttach, layout: Layout): Machine {
  return {
    id,
    spawn: (argv, options) => spawnProcess(argv, layout, options?.signal),
    readFile: (path, options) => readInside(layout.workspace, path, options?.maxBytes ?? DEFAULT_MAX_READ_BYTES),
    writeFile: (path, bytes) => writeInside(layout.workspace, path, bytes),
    terminate: async () => {
      await endHost(layout)
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

/** Refuses links and anything that is not a plain file: what lies in a workspace was put there by the agent's code. */
async function readInside(workspace: string, path: string, maxBytes: number): Promise<Uint8Array> {
  const inside = await insidePath(workspace, path)
  const file = await open(inside, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (cause: unknown) => {
      throw fileMissing(path, cause)
    },
  )
  try {
    const { size, ...stat } = await file.stat()
    if ((stat.mode & constants.S_IFMT) !== constants.S_IFREG)
      throw new SeerError('file-missing', { message: `${path} is not a plain file.` })
    if (size > maxBytes)
      throw new SeerError('file-too-large', { message: `${path} has ${size} bytes; at most ${maxBytes} are taken.` })
    // Not until its end: a file may grow while it is read.
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size), 0, size, 0)
    return buffer.subarray(0, bytesRead)
  } finally {
    await file.close()
  }
}

async function insidePath(workspace: string, path: string): Promise<string> {
  const root = await realpath(workspace)
  const folder = await realpath(dirname(resolve(root, path))).catch((cause: unknown) => {
    throw fileMissing(path, cause)
  })
  const inside = join(folder, basename(resolve(root, path)))
  if (relative(root, inside).startsWith('..'))
    throw new SeerError('file-outside', { message: `${path} is not inside the workspace.` })
  return inside
}

function fileMissing(path: string, cause: unknown): SeerError {
  return new SeerError('file-missing', { message: `There is no file ${path} in the workspace.`, cause })
}

async function writeInside(workspace: string, path: string, bytes: Uint8Array): Promise<void> {
  const asked = resolve(workspace, path)
  if (relative(workspace, asked).startsWith('..'))
    throw new SeerError('file-outside', { message: `${path} is not inside the workspace.` })
  await mkdir(dirname(asked), { recursive: true })
  // The agent's code may have put links where folders are expected.
  const target = await insidePath(workspace, path)
  const part = `${target}.${randomBytes(4).toString('hex')}.part`
  await writeFile(part, bytes, { flag: 'wx' })
  await rename(part, target)
}
