/**
 * A server of one sandbox, used in another: code there connects to a port of its own loopback, and reaches the server's. The bytes go through
 * Seer, so neither sandbox needs a network, and nothing but that port can be reached.
 */
import { randomBytes } from 'node:crypto'
import type { HostStream } from '../channel/host-stream.ts'
import { SeerError } from '../errors.ts'
import { startProcess, contextOf } from './exec/start-process.ts'
import { bootInside, startStream } from './exec/start-stream.ts'
import type { RunningSandbox } from './running-sandbox.ts'

export interface ForwardedPort {
  /** Of the server. */
  readonly port: number
  /** Where it is found in the other sandbox. */
  readonly to: number
}

/** Returns once connections are taken. */
export async function forwardPort(
  here: RunningSandbox,
  from: RunningSandbox,
  { port, to }: ForwardedPort,
): Promise<void> {
  // Without walls both are on this machine's own loopback.
  const isShared = [here, from].every(({ facts }) => facts.confinement === 'none')
  if (isShared && port === to) return
  // Of its own: what is forwarded there already goes on, should this fail.
  const listener = `port-${to}-${randomBytes(2).toString('hex')}`
  const { path } = await here.streams.listen(listener, (stream) => void carry(stream, from, port))
  const argv = [...bootInside(here), 'forward', String(to), path]
  const process = await startProcess(here.connection, { argv, purpose: `port ${to}`, by: 'system' }, contextOf(here))
  let said = ''
  for await (const { stream, text } of process.output) {
    if (stream === 'stdout') return
    said += text
  }
  await here.streams.unlisten(listener)
  throw new SeerError('port-not-forwarded', {
    message: `Port ${to} could not be opened in the sandbox ${here.id}: ${said.trim().split('\n').at(-1)}`,
    hint: 'Choose another one with `to`: something there may have it already.',
  })
}

/** One connection: a process beside the server connects to it. Never rejects. */
async function carry(client: HostStream, from: RunningSandbox, port: number): Promise<void> {
  try {
    const argv = [...bootInside(from), 'connect', String(port)]
    const { stream: server } = await startStream(from, argv, { purpose: `connection to port ${port}`, by: 'system' })
    await Promise.all([copy(client, server), copy(server, client)])
  } catch {
    // The sandbox of the server has ended: whoever connects sees it close.
  } finally {
    client.close()
  }
}

/** Until one side ends, which ends the other. */
async function copy(from: HostStream, to: HostStream): Promise<void> {
  try {
    for await (const chunk of from.input) await to.write(chunk)
  } catch {
    // It takes no more.
  } finally {
    to.close()
  }
}
