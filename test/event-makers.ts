/** Short ways to write the events of an agent at work: its words, its cells with their output, its calls of tools. */
import type { By, EventInput } from '../src/run/events.ts'

export type Output = Extract<EventInput, { type: 'cell-output' }>['output']
type CellEnd = Pick<Extract<EventInput, { type: 'cell-end' }>, 'status' | 'durationMs'> & {
  extra: readonly (
    | Pick<Extract<EventInput, { type: 'result-record' }>, 'type' | 'table' | 'row'>
    | Pick<Extract<EventInput, { type: 'result-save' }>, 'type' | 'name' | 'file' | 'kind' | 'sha256' | 'bytes'>
  )[]
}

export function eventMakers(agent: By) {
  const at = { session: 's1', sandbox: 'sb-0f3a' }
  let seq = 0
  let call = 0
  const kernel = () => ({ generation: 1, seq: (seq += 1) })
  const cell = (
    id: string,
    code: string,
    outputs: Output[],
    end: Partial<CellEnd> = {},
    more: { by?: By; hidden?: boolean; supersedes?: string } = {},
  ) => {
    const { by = agent, hidden = false, supersedes } = more
    const place = { ...at, cell: id, by }
    const { status = 'ok', durationMs = 412 } = end
    return [
      { type: 'cell-start', ...place, code, hidden, ...(supersedes === undefined ? {} : { supersedes }) },
      ...outputs.map((output) => ({ type: 'cell-output', ...place, kernel: kernel(), output }) as const),
      ...(end.extra ?? []).map((event) => ({ ...event, ...place, kernel: kernel() })),
      { type: 'cell-end', ...place, by: 'system', kernel: kernel(), status, executionCount: 1, durationMs },
    ] as EventInput[]
  }
  const tool = (
    name: string,
    input: object,
    text: string,
    more: { isError?: boolean; structured?: object; inside?: EventInput[] } = {},
  ): EventInput[] => {
    const id = `call-${(call += 1)}`
    return [
      { type: 'tool-start', by: agent, call: id, name, input: JSON.parse(JSON.stringify(input)) as never },
      ...(more.inside ?? []),
      {
        type: 'tool-end',
        by: agent,
        call: id,
        name,
        isError: more.isError ?? false,
        durationMs: 431,
        content: [{ type: 'text', text }],
        structured: (more.structured ?? {}) as never,
      },
    ]
  }
  const runCell = (
    id: string,
    code: string,
    outputs: Output[],
    end: Partial<CellEnd> = {},
    more: { supersedes?: string } = {},
  ) =>
    tool(more.supersedes === undefined ? 'execute_code' : 'edit_cell', { code }, `[${id}] ok.`, {
      inside: cell(id, code, outputs, end, more),
    })
  const says = (text: string, thinking?: string): EventInput => ({
    type: 'agent-message',
    by: agent,
    role: 'assistant',
    text,
    ...(thinking === undefined ? {} : { thinking }),
  })
  const stdout = (text: string): Output => ({ output_type: 'stream', name: 'stdout', text })
  const stderr = (text: string): Output => ({ output_type: 'stream', name: 'stderr', text })
  return { at, kernel, cell, tool, runCell, says, stdout, stderr }
}
