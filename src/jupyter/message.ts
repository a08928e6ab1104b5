/** Messages of Jupyter's protocol, as they go over a websocket: JSON, with the name of their channel. */
import { randomUUID } from 'node:crypto'
import { z } from 'zod'

const PROTOCOL = '5.3'

const headerSchema = z.object({
  msg_id: z.string().max(256),
  msg_type: z.string().max(64),
  session: z.string().max(256).default(''),
  username: z.string().max(256).default(''),
  date: z.string().max(64).default(''),
  version: z.string().max(16).default(PROTOCOL),
})
export type Header = z.infer<typeof headerSchema>

const requestSchema = z.object({
  header: headerSchema,
  channel: z.enum(['shell', 'control', 'stdin', 'iopub']),
  content: z.record(z.string(), z.unknown()).default({}),
})
export type Request = z.infer<typeof requestSchema>

/** What is said of a cell, or in answer to a request, before it is a message. */
export interface Said {
  readonly channel: 'iopub' | 'shell' | 'control'
  readonly type: string
  readonly content: object
  readonly metadata?: object
}

/** Undefined for what is no message. */
export function readRequest(text: string): Request | undefined {
  try {
    return requestSchema.safeParse(JSON.parse(text)).data
  } catch {
    return undefined
  }
}

/** `session` is the kernel's: another one tells a client that the kernel was started anew. */
export function messageText({ channel, type, content, metadata = {} }: Said, parent: Header, session: string): string {
  const header: Header = {
    msg_id: randomUUID(),
    msg_type: type,
    session,
    username: 'kernel',
    date: new Date().toISOString(),
    version: PROTOCOL,
  }
  return JSON.stringify({ channel, header, parent_header: parent, metadata, content, buffers: [] })
}

/** For what no request of this client's has led to: somebody else's cell. */
export function foreignHeader(cell: string, by: string): Header {
  return {
    msg_id: `seer-${cell}`,
    msg_type: 'execute_request',
    session: 'seer',
    username: by,
    date: new Date().toISOString(),
    version: PROTOCOL,
  }
}
