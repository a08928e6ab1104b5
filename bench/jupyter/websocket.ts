/** A kernel of a Jupyter server over its websocket, as any program may use it: no options, the protocol that is there without asking for one. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { JupyterServer } from './server.ts'

interface Message {
  readonly header: { readonly msg_type: string }
  readonly parent_header: { readonly msg_id?: string }
  readonly content: {
    readonly execution_state?: string
    readonly text?: string
    readonly data?: Readonly<Record<string, string>>
  }
}

export interface WebsocketKernel extends Disposable {
  /** What it put out. Until the kernel has replied and is idle again, when all of that is there. */
  readonly cell: (code: string) => Promise<string>
}

export async function openWebsocket(server: JupyterServer, kernel: string): Promise<WebsocketKernel> {
  const session = randomUUID()
  const url = `${server.url.replace('http', 'ws')}/api/kernels/${kernel}/channels?session_id=${session}`
  const socket = new WebSocket(url, { headers: server.headers })
  await once(socket, 'open')
  return {
    async cell(code) {
      const id = randomUUID()
      const ended = new Promise<string>((resolve) => {
        let text = ''
        const missing = new Set(['reply', 'idle'])
        const take = ({ data }: MessageEvent) => {
          const { header, parent_header: parent, content } = JSON.parse(String(data)) as Message
          if (parent.msg_id !== id) return
          if (header.msg_type === 'execute_reply') missing.delete('reply')
          if (header.msg_type === 'status' && content.execution_state === 'idle') missing.delete('idle')
          if (header.msg_type === 'stream') text += content.text ?? ''
          if (header.msg_type === 'execute_result') text += content.data?.['text/plain'] ?? ''
          if (missing.size > 0) return
          socket.removeEventListener('message', take)
          resolve(text)
        }
        socket.addEventListener('message', take)
      })
      const header = { msg_id: id, msg_type: 'execute_request', session, username: '', version: '5.3', date: '' }
      const content = { code, silent: false, store_history: true, allow_stdin: false, stop_on_error: true }
      socket.send(JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: 'shell', buffers: [] }))
      return ended
    },
    [Symbol.dispose]: () => socket.close(),
  }
}
