/**
 * Who may talk to a server of this process: whoever has its token. The rest is against pages in a browser on this machine, which
 * can send requests to loopback too, and against names that an attacker points there.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** 256 bits. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** Whether a request was sent to this machine under a name of its own, and by no page but one of this machine. */
export function isFromHere({ host = '', origin }: IncomingHttpHeaders, port: number): boolean {
  if (host !== `127.0.0.1:${port}` && host !== `localhost:${port}`) return false
  return origin === undefined || isLoopback(origin)
}

function isLoopback(origin: string): boolean {
  const url = URL.parse(origin)
  return url !== null && /^https?:$/.test(url.protocol) && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
}

/** Of what is given by token, that which the request has the token of. Takes the same time whichever it is. */
export function givenTo<T extends { readonly token: string }>(
  { authorization = '' }: IncomingHttpHeaders,
  choices: readonly T[],
): T | undefined {
  const given = digest(/^bearer +(\S+)$/i.exec(authorization)?.[1] ?? '')
  return choices.filter(({ token }) => timingSafeEqual(digest(token), given))[0]
}

/** Of one length, whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
