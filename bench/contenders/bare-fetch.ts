/** The least that any loop does: `fetch`, the answer's events parsed, the history sent back. Nothing is checked, kept or retried. */
import { TOOL_DESCRIPTION, type Contender } from './contender.ts'

interface StreamEvent {
  content_block?: { type: string; id: string; name: string }
  delta?: { text?: string; partial_json?: string }
}

export const contender: Contender = {
  prepare(task) {
    const input_schema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }
    const tools = [{ name: 'bump', description: TOOL_DESCRIPTION, input_schema }]
    const messages: { role: string; content: unknown }[] = [{ role: 'user', content: task.prompt }]
    const headers = { 'content-type': 'application/json', 'x-api-key': task.apiKey }
    const ask = async () => {
      const { model, system } = task
      const body = JSON.stringify({ model, max_tokens: 32_000, stream: true, system, tools, messages })
      const response = await fetch(`${task.baseUrl}/v1/messages`, { method: 'POST', headers, body })
      const lines = (await response.text()).split('\n').filter((line) => line.startsWith('data: '))
      return lines.map((line) => JSON.parse(line.slice(6)) as StreamEvent)
    }
    return Promise.resolve(async () => {
      for (;;) {
        const events = await ask()
        const call = events.find((event) => event.content_block?.type === 'tool_use')?.content_block
        const said = events.map(({ delta }) => delta?.text ?? delta?.partial_json ?? '').join('')
        if (!call) return said
        const input = JSON.parse(said) as { n: number }
        messages.push({ role: 'assistant', content: [{ ...call, input }] })
        const result = { type: 'tool_result', tool_use_id: call.id, content: task.bump(input.n) }
        messages.push({ role: 'user', content: [result] })
      }
    })
  },
}
