/** What a kernel is asked beside running cells, answered without it. */
import type { Said } from './message.ts'

/** Undefined for what is not answered. */
export function answerTo(type: string, about: { session: string; run: string }): Said | undefined {
  const reply = (name: string, content: object): Said => ({
    channel: 'shell',
    type: name,
    content: { status: 'ok', ...content },
  })
  switch (type) {
    case 'kernel_info_request':
      return reply('kernel_info_reply', {
        protocol_version: '5.3',
        implementation: 'seer',
        implementation_version: '1',
        language_info: {
          name: 'python',
          version: '3',
          mimetype: 'text/x-python',
          codemirror_mode: { name: 'ipython', version: 3 },
          pygments_lexer: 'ipython3',
          file_extension: '.py',
        },
        banner: `Session ${about.session} of the run ${about.run}.\nWhat you run here runs in its kernel, and is recorded as yours: the agents are told of it.`,
        help_links: [],
        debugger: false,
      })
    case 'comm_info_request':
      return reply('comm_info_reply', { comms: {} })
    case 'history_request':
      return reply('history_reply', { history: [] })
    case 'is_complete_request':
      return reply('is_complete_reply', { status: 'unknown' })
    case 'inspect_request':
      return reply('inspect_reply', { found: false, data: {}, metadata: {} })
    default:
      return undefined
  }
}
