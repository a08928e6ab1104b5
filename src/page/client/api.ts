/** What the page asks of its server, besides the events. */
import type { RunsAnswer, WireError } from '../wire.ts'

export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly hint: string | undefined

  constructor(status: number, { code, message, hint }: WireError) {
    super(message)
    this.status = status
    this.code = code
    this.hint = hint
  }
}

export const eventsUrl = (id: string): string => `/api/runs/${encodeURIComponent(id)}/events`

export function artifactUrl(id: string, sha256: string, name?: string): string {
  const query = name === undefined ? '' : `?name=${encodeURIComponent(name.toWellFormed())}`
  return `/api/runs/${encodeURIComponent(id)}/artifacts/${sha256}${query}`
}

export async function fetchRuns(signal: AbortSignal): Promise<RunsAnswer> {
  return (await ask('/api/runs', { signal })) as RunsAnswer
}

export type Steer = { do: 'interrupt' } | { do: 'stop' } | { do: 'message'; text: string; agent?: string }

export async function steer(id: string, { do: action, ...body }: Steer): Promise<void> {
  await ask(`/api/runs/${encodeURIComponent(id)}/${action}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

async function ask(url: string, init: RequestInit): Promise<unknown> {
  const response = await fetch(url, init).catch((cause: unknown) => {
    if (init.signal?.aborted) throw cause
    throw new ApiError(0, { code: 'server-gone', message: 'The server of this page does not answer.' })
  })
  const text = await response.text()
  if (response.ok) return JSON.parse(text)
  throw new ApiError(response.status, errorOf(response.status, text))
}

function errorOf(status: number, text: string): WireError {
  if (status === 401 || status === 403) return SIGNED_OUT
  try {
    const { error } = JSON.parse(text) as { error?: Partial<WireError> }
    if (typeof error?.message === 'string')
      return { code: error.code ?? 'error', message: error.message, hint: error.hint }
  } catch {
    // Said below.
  }
  return { code: 'error', message: `The server answered ${status}.` }
}

export const SIGNED_OUT: WireError = {
  code: 'signed-out',
  message: 'This page is not signed in any more.',
  hint: 'Its server was started again: open the link that it printed.',
}
