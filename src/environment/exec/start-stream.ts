/** Starts a process with which Seer speaks over a byte stream: its stdin is a socket, to be read and written. */
import type { HostStream } from '../../channel/host-stream.ts'
import { INSIDE } from '../../sandbox/local/wall/wall.ts'
import type { RunningSandbox } from '../running-sandbox.ts'
import type { SandboxProcess } from './sandbox-process.ts'
import { contextOf, newProcessId, startProcess, type ProcessSpec } from './start-process.ts'

export type StreamSpec = Pick<ProcessSpec, 'env' | 'cwd' | 'purpose' | 'by' | 'maxBytes' | 'signal'>

export interface StreamProcess {
  readonly process: SandboxProcess
  /** Ends when the process does. Closing it closes the process's stdin, and does not end the process. */
  readonly stream: HostStream
}

/** As kernels are started: the name of one of the parts of `python/boot.py` comes next, and its arguments. */
export function bootInside({ facts, layout }: Pick<RunningSandbox, 'facts' | 'layout'>): readonly string[] {
  const folder = facts.confinement === 'none' ? layout.pythonDir : INSIDE.seer
  return [facts.pythonInside, '-s', `${folder}/boot.py`]
}

/** Throws as {@link startProcess}. */
export async function startStream(
  sandbox: RunningSandbox,
  argv: readonly string[],
  spec: StreamSpec,
): Promise<StreamProcess> {
  const id = newProcessId()
  const stream = sandbox.streams.process(id)
  try {
    const process = await startProcess(sandbox.connection, { ...spec, argv, id, stream: true }, contextOf(sandbox))
    return { process, stream }
  } catch (error) {
    stream.close()
    throw error
  }
}
