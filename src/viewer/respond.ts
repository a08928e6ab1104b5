/** Answers, with the headers that every one of them has. */
import { createHash } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { SeerError } from '../errors.ts'
import { FRAME_STYLE } from '../notebook/html-frame.ts'
import type { WireError } from '../page/wire.ts'

/** No answer of this server is a document that may do anything, but the page. */
const BARE_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"

/** The style of the frames for HTML that others wrote: they inherit this policy, and theirs is added to it. */
const frameStyle = `'sha256-${createHash('sha256').update(FRAME_STYLE).digest('base64')}'`

export const PAGE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  `style-src 'self' ${frameStyle}`,
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "font-src 'self'",
  "frame-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

export type Headers = Readonly<Record<string, string>>

const HEADERS: Headers = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': BARE_CSP,
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

/** For what never changes under its address. */
export const IMMUTABLE: Headers = { 'Cache-Control': 'private, max-age=31536000, immutable' }

export function begin(response: ServerResponse, status: number, headers: Headers): void {
  response.writeHead(status, { ...HEADERS, ...headers })
}

export function send(response: ServerResponse, status: number, body: string | Uint8Array, headers: Headers): void {
  begin(response, status, { 'Content-Length': String(Buffer.byteLength(body)), ...headers })
  response.end(body)
}

export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  send(response, status, JSON.stringify(value), { 'Content-Type': 'application/json; charset=utf-8' })
}

export function sendText(response: ServerResponse, status: number, type: 'plain' | 'html', text: string): void {
  send(response, status, text, { 'Content-Type': `text/${type}; charset=utf-8` })
}

const STATUS: Record<string, number> = {
  'invalid-options': 400,
  'viewer-request': 400,
  'viewer-token': 401,
  'viewer-host': 403,
  'viewer-origin': 403,
  'viewer-unknown': 404,
  'run-unknown': 404,
  'artifact-missing': 404,
  'viewer-method': 405,
  'viewer-too-large': 413,
  'viewer-busy': 503,
  'control-no-answer': 502,
  'control-refused': 502,
  'artifact-damaged': 502,
}

/** What Seer refuses (an agent that has ended, a run that is over) is a conflict; what nobody expected, a fault. */
export function sendError(response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  const known = error instanceof SeerError ? error : undefined
  const answer: WireError = {
    code: known?.code ?? 'unexpected',
    message: known?.message ?? 'The server met an error that it did not expect.',
    hint: known?.hint,
  }
  sendJson(response, known ? (STATUS[known.code] ?? 409) : 500, { error: answer })
}
