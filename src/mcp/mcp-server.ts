/** The tools and resources of a view, as MCP: one of these for each client that comes in. All calls go through `runTool`. */
import { randomBytes } from 'node:crypto'
import { ProtocolError, ProtocolErrorCode, Server, type ServerContext } from '@modelcontextprotocol/server'
import { describeError } from '../errors.ts'
import { SEER_VERSION } from '../run/version.ts'
import { runTool, type ToolResult } from '../tools/tool.ts'
import type { Calls } from './calls.ts'
import { clientInfoOf } from './client-info.ts'
import { showProgress } from './progress.ts'
import { listResources, readResource, RESOURCE_TEMPLATES, type Readable } from './resources.ts'
import { callResult, definitionOf } from './tool-definition.ts'
import type { View } from './view.ts'

const TASK_RESOURCE = {
  uri: 'seer://task.md',
  name: 'task.md',
  title: 'The task',
  description: 'What this agent is to do',
  mimeType: 'text/markdown',
}

export function mcpServer(view: View, calls: Calls): Server {
  const { readable, instructions, task } = view
  const server = new Server(
    { name: 'seer', title: 'Seer', version: SEER_VERSION },
    {
      capabilities: {
        tools: {},
        ...(readable ? { resources: {} } : {}),
        ...(task === undefined ? {} : { prompts: {} }),
      },
      ...(instructions === undefined ? {} : { instructions }),
    },
  )
  server.setRequestHandler('tools/list', () => ({ tools: view.tools.map(definitionOf) }))
  server.setRequestHandler('tools/call', async ({ params }, context) => {
    const tool = view.tools.find(({ name }) => name === params.name)
    const outputSchema = tool && definitionOf(tool).outputSchema
    const result = await calls.run(() => call(server, view, params, context, calls.signal))
    const asides = view.asides?.() ?? []
    return server.projectCallToolResult(callResult(withAsides(result, asides), outputSchema), outputSchema)
  })
  if (readable) serveResources(server, view, readable)
  if (task !== undefined) serveTask(server, task)
  return server
}

function serveResources(server: Server, { run, task }: View, readable: Readable): void {
  server.setRequestHandler('resources/list', async (_, context) => {
    const resources = await listResources(readable, signalOf(context, run.signal))
    return { resources: task === undefined ? resources : [TASK_RESOURCE, ...resources] }
  })
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: RESOURCE_TEMPLATES }))
  server.setRequestHandler('resources/read', ({ params: { uri } }) => {
    if (task === undefined || uri !== TASK_RESOURCE.uri) return readResource(readable, uri)
    return { contents: [{ uri, mimeType: TASK_RESOURCE.mimeType, text: task }] }
  })
}

/** For a person who has a client: it can be given to the model by one word. */
function serveTask(server: Server, task: string): void {
  const { title, description } = TASK_RESOURCE
  server.setRequestHandler('prompts/list', () => ({ prompts: [{ name: 'task', title, description }] }))
  server.setRequestHandler('prompts/get', ({ params }) => {
    if (params.name !== 'task') throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no such prompt.')
    return { description, messages: [{ role: 'user', content: { type: 'text', text: task } }] }
  })
}

function withAsides(result: ToolResult, asides: readonly string[]): ToolResult {
  const said = asides.map((text) => ({ type: 'text' as const, text }))
  return { ...result, content: [...result.content, ...said] }
}

async function call(
  server: Server,
  { run, tools, session, authorOf }: View,
  { name, arguments: input = {} }: { name: string; arguments?: Record<string, unknown> | undefined },
  context: ServerContext,
  ending: AbortSignal,
): Promise<ToolResult> {
  const token = context.mcpReq._meta?.progressToken
  using _ =
    token === undefined
      ? undefined
      : showProgress(run, session, (progress, message) =>
          context.mcpReq.notify({
            method: 'notifications/progress',
            params: { progressToken: token, progress, message },
          }),
        )
  try {
    return await runTool(
      tools,
      { id: `mcp-${randomBytes(6).toString('hex')}`, name, input },
      {
        emit: run.emit,
        by: authorOf(clientInfoOf(server, context).name),
        signal: AbortSignal.any([ending, signalOf(context, run.signal)]),
        storeArtifact: run.storeArtifact,
      },
    )
  } catch (error) {
    // What ends the run ends it, whoever called; who called is told why.
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unexpected'
    return { content: [{ type: 'text', text: describeError(error) }], structured: { error: code }, isError: true }
  }
}

/** Aborted when the client cancels its request or is gone, and when the run ends early. */
function signalOf({ mcpReq, http }: ServerContext, ofRun: AbortSignal): AbortSignal {
  return AbortSignal.any([mcpReq.signal, ofRun, ...(http?.req ? [http.req.signal] : [])])
}
