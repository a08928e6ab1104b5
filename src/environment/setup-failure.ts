import { SeerError } from '../errors.ts'
import { diskFull } from './cache.ts'
import { packageName } from './requirements.ts'
import { tail, type ToolResult } from './run-tool.ts'

// pip without a network finally says only that there is no such distribution; the pinned ones exist.
const networkWords =
  /failed to fetch|error sending request|dns error|failed to (establish|lookup)|connection (refused|reset|aborted)|network is unreachable|name or service not known|name resolution|timed out|network connectivity is disabled|could not fetch url|proxyerror|newconnectionerror|no matching distribution found/i
const diskWords = /no space left on device|disk quota exceeded|os error 28\b/i

export type FailedTool = {
  /** The program as a person knows it: "uv", "pip". */
  tool: string
  /** What was being done: "installing the Python packages". */
  doing: string
  /** What had to come over the network: "torch==2.13.0 and 14 more". */
  needed: string
  path: string
  result: ToolResult
}

/** Turns a tool's failure into the error that says what the researcher can do about it. */
export function toolFailure({ tool, doing, needed, path, result }: FailedTool): SeerError {
  const said = tail(result.stderr || result.stdout)
  if (diskWords.test(result.stderr)) return diskFull(path, new Error(said))
  if (networkWords.test(result.stderr + result.stdout)) {
    return new SeerError('setup-network', {
      message: `${tool} could not reach the package index for ${neededAt(result.stderr, needed)}, while ${doing}:\n${indent(said)}`,
      hint: 'check the network (and the proxy settings), then run the same command again: it goes on with what it already has',
    })
  }
  const how = result.exitCode === undefined ? 'was ended by a signal' : `ended with exit code ${result.exitCode}`
  return new SeerError('setup-failed', {
    message: `${tool} ${how}, while ${doing}:\n${indent(said)}`,
    hint: 'run the same command again; nothing incomplete was kept',
  })
}

/** The requirement whose page could not be fetched, if the tool names it; else all of them. */
function neededAt(stderr: string, needed: string): string {
  const page = /failed to fetch: `?https?:\/\/\S+?\/([A-Za-z0-9._-]+)\/?`?(\s|$)/i.exec(stderr)?.[1]
  if (!page) return needed
  return needed.split(', ').find((requirement) => packageName(requirement) === packageName(page)) ?? page
}

function indent(text: string): string {
  return text.replaceAll(/^/gm, '    ')
}
