/** What a client of the bridge talks to: the tools and resources of the run on the other side, while there is one. */
import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type CallToolRequestParams,
  type CallToolResult,
  type ServerContext,
  type Tool,
} from '@modelcontextprotocol/server'
import { describeError } from '../../errors.ts'
import { SEER_VERSION } from '../../run/version.ts'
import { reads } from '../../tools/annotations.ts'
import { clientInfoOf } from '../client-info.ts'
import { isAnswer, isTooLarge, isUnheard, PATIENCE_MS, type Link } from './link.ts'
import type { Target } from './target.ts'
import type { Upstream } from './upstream.ts'
import { endedText, noRunText, otherRunText, PREPARING, statusText, TOO_LARGE, WAITING_INSTRUCTIONS } from './words.ts'

const STATUS: Tool = {
  name: 'status',
  title: 'Whether a run goes on',
  description: 'Say whether a run of Seer goes on that this can connect to. The tools to work with come with a run.',
  inputSchema: { type: 'object', properties: {}, additionalProperties: false },
  annotations: reads('Whether a run goes on'),
}

export interface BridgeServerOptions {
  readonly upstream: Upstream
  /** Why no run will come, once that is known. */
  readonly problem: () => string | undefined
  /** Waits for a while for a run that is being prepared. False: it still is. */
  readonly prepared: () => Promise<boolean>
}

export function bridgeServer({ upstream, problem, prepared }: BridgeServerOptions): Server {
  const instructions = upstream.target()?.server.instructions ?? WAITING_INSTRUCTIONS
  const server = new Server(
    { name: 'seer', title: 'Seer', version: SEER_VERSION },
    { capabilities: { tools: { listChanged: true }, resources: { listChanged: true }, prompts: {} }, instructions },
  )
  const standing = () => {
    const target = upstream.target()
    return { target, ended: upstream.ended(), problem: problem() ?? upstream.trouble() }
  }
  let worked: Target | undefined

  /** Asks the run, if there is one. What it refuses is thrown on; what keeps it from being asked, too. */
  async function ask<T>(
    context: ServerContext,
    question: (link: Link) => Promise<T>,
    isAgain = false,
  ): Promise<T | undefined> {
    const link = await upstream.link(clientInfoOf(server, context))
    if (!link) return undefined
    try {
      return await question(link)
    } catch (error) {
      if (!isUnheard(error)) throw error
      upstream.drop(link)
      if (isAgain) throw error
      return ask(context, question, true)
    }
  }
  const isServed = (link: Link, capability: 'resources' | 'prompts') =>
    link.client.getServerCapabilities()?.[capability] !== undefined

  async function call(params: CallToolRequestParams, context: ServerContext): Promise<CallToolResult> {
    const { name, arguments: input } = params
    if (!(await prepared())) return failure(PREPARING)
    try {
      const result = await ask(context, async (link) => {
        const { target } = link
        const result = await link.client.request(
          { method: 'tools/call', params: { name, arguments: input } },
          optionsOf(context),
        )
        const before = worked
        worked = target
        return before && before.folder !== target.folder ? said(otherRunText(before, target), result) : result
      })
      if (result && !isUnknownStatus(name, result)) return result
      return name === STATUS.name ? said(statusText(standing())) : failure(noRunText(standing()))
    } catch (error) {
      if (isTooLarge(error)) return failure(TOO_LARGE)
      if (isAnswer(error) || context.mcpReq.signal.aborted) throw error
      return failure(await lost(error))
    }
  }

  /** The connection broke in the middle. */
  async function lost(error: unknown): Promise<string> {
    const before = worked
    if (upstream.target() === undefined) return before ? endedText(before) : noRunText(standing())
    return `The run could not be asked: ${describeError(error)}. If a cell was to be run, look at the notebook (seer://notebook.ipynb) before you run it again.`
  }

  server.setRequestHandler('tools/list', async (_, context) => {
    const listed = await ask(context, (link) => link.client.request({ method: 'tools/list' })).catch(() => undefined)
    return { tools: listed?.tools ?? [STATUS] }
  })
  server.setRequestHandler('tools/call', ({ params }, context) => call(params, context))
  server.setRequestHandler('resources/list', async (_, context) => {
    const listed = await ask(context, async (link) =>
      isServed(link, 'resources') ? link.client.request({ method: 'resources/list' }, optionsOf(context)) : undefined,
    )
    return { resources: listed?.resources ?? [] }
  })
  server.setRequestHandler('resources/templates/list', async (_, context) => {
    const listed = await ask(context, async (link) =>
      isServed(link, 'resources') ? link.client.request({ method: 'resources/templates/list' }) : undefined,
    )
    return { resourceTemplates: listed?.resourceTemplates ?? [] }
  })
  server.setRequestHandler('resources/read', async ({ params: { uri } }, context) => {
    const read = await ask(context, (link) =>
      link.client.request({ method: 'resources/read', params: { uri } }, optionsOf(context)),
    )
    if (read) return read
    throw new ResourceNotFoundError(uri, noRunText(standing()))
  })
  server.setRequestHandler('prompts/list', async (_, context) => {
    const listed = await ask(context, async (link) =>
      isServed(link, 'prompts') ? link.client.request({ method: 'prompts/list' }) : undefined,
    )
    return { prompts: listed?.prompts ?? [] }
  })
  server.setRequestHandler('prompts/get', async ({ params: { name } }, context) => {
    const got = await ask(context, (link) => link.client.request({ method: 'prompts/get', params: { name } }))
    if (got) return got
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, noRunText(standing()))
  })
  return server
}

/** The client's own wish to stop, and to be told how it is getting on. Nothing of ours ends a call early. */
function optionsOf({ mcpReq }: ServerContext) {
  const token = mcpReq._meta?.progressToken
  const onprogress = ({ progress, message }: { progress: number; message?: string | undefined }) =>
    void mcpReq
      .notify({ method: 'notifications/progress', params: { progressToken: token!, progress, message } })
      .catch(() => undefined)
  return { signal: mcpReq.signal, timeout: PATIENCE_MS, ...(token === undefined ? {} : { onprogress }) }
}

/** A client may ask for it when a run goes on, and a session has no such tool. */
function isUnknownStatus(name: string, { isError }: CallToolResult): boolean {
  return name === STATUS.name && isError === true
}

function said(text: string, result: CallToolResult = { content: [] }): CallToolResult {
  const { structuredContent: before } = result
  const structured =
    typeof before === 'object' && before !== null && 'text' in before
      ? { ...before, text: `${text}\n${String(before.text)}` }
      : before
  return {
    ...result,
    content: [{ type: 'text', text }, ...result.content],
    ...(structured === undefined ? {} : { structuredContent: structured }),
  }
}

function failure(text: string): CallToolResult {
  return { content: [{ type: 'text', text }], isError: true }
}
