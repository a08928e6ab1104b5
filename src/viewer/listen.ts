import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describeError, SeerError } from '../errors.ts'

/** Always the same where it can be, so that an address that was forwarded or left open goes on working. */
const USUAL_PORT = 7337

/** Listens on this machine's own address; on `port`, or else the usual one, or any when that is taken. Returns which. */
export async function listen(server: Server, port?: number): Promise<number> {
  try {
    return await listenOn(server, port ?? USUAL_PORT)
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    if (isTaken && port === undefined) return listenOn(server, 0)
    throw new SeerError('viewer-port', {
      message: `The page cannot be served on port ${port}: ${isTaken ? 'another program has it' : describeError(error)}.`,
      hint: 'Give another --port, or none: then a free one is taken.',
      cause: error,
    })
  }
}

async function listenOn(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
