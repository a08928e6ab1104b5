/** The page's own address: a token is taken out of it and becomes a cookie; without either, the way in is told. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Access } from './access.ts'
import { begin, PAGE_CSP, send } from './respond.ts'

export const NO_KEY = {
  message: 'This address is of an earlier start of Seer’s page, or lacks its key.',
  hint: 'Open the whole address that `seer view` or `seer run --view` printed last.',
}

const HTML = 'text/html; charset=utf-8'
const NOTE_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

export function sendPage(
  request: IncomingMessage,
  response: ServerResponse,
  { access, query, index }: { access: Access; query: URLSearchParams; index: Uint8Array },
): void {
  const [token, run] = [query.get('token'), query.get('run')]
  const here = run === null ? '/' : `/?run=${encodeURIComponent(run.toWellFormed())}`
  const cookie = token === null ? undefined : access.exchange(token)
  const mayEnter = access.hasCookie(request)
  if (token !== null && (cookie !== undefined || mayEnter)) {
    // So that the token stands neither in the address bar nor in what is copied from it.
    begin(response, 303, { Location: here, ...(cookie === undefined ? {} : { 'Set-Cookie': cookie }) })
    response.end()
  } else if (mayEnter) {
    send(response, 200, index, { 'Content-Type': HTML, 'Content-Security-Policy': PAGE_CSP })
  } else {
    send(response, 401, note(request, here), { 'Content-Type': HTML, 'Content-Security-Policy': NOTE_CSP })
  }
}

/**
 * Behind a link on another page the browser holds back the cookie, also from the redirect that follows the token. Asked again by
 * this page itself, it sends it.
 */
function note({ headers }: IncomingMessage, here: string): string {
  const isLinked = ['cross-site', 'same-site'].includes(String(headers['sec-fetch-site']))
  const again = isLinked ? `<meta http-equiv="refresh" content="0;url=${here}">` : ''
  const words = isLinked ? '' : `<p>${NO_KEY.message}</p><p>${NO_KEY.hint}</p>`
  return `<!doctype html><html lang="en"><meta charset="utf-8">${again}<title>Seer</title>${words}</html>`
}
