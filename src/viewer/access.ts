/**
 * Who may talk to the server: whoever has its token, which is new at each start. A browser gives it once, in the address, and has
 * a cookie from then on. The rest is against other pages in the same browser, which can send requests to this machine too.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { SeerError } from '../errors.ts'

export interface Access {
  /** For the address that a person is told; it can be used again. */
  readonly token: string
  /** For an address that other users of the machine might see: it can be used once. */
  onceToken(): string
  /** The `Set-Cookie` for a token; undefined for a wrong one. */
  exchange(token: string): string | undefined
  hasCookie(request: IncomingMessage): boolean
  /** Throws `viewer-host` and `viewer-origin`. */
  checkSender(request: IncomingMessage): void
}

export function openAccess(port: number): Access {
  const hosts = [`127.0.0.1:${port}`, `localhost:${port}`]
  // Cookies do not know of ports: two servers must not overwrite each other's.
  const name = `seer-${port}`
  const token = secret()
  const session = secret()
  const once = new Set<string>()
  return {
    token,
    onceToken() {
      const made = secret()
      once.add(made)
      return made
    },
    exchange(given) {
      const used = [...once].find((known) => isSame(known, given))
      if (used !== undefined) once.delete(used)
      else if (!isSame(token, given)) return undefined
      return `${name}=${session}; HttpOnly; SameSite=Strict; Path=/`
    },
    hasCookie: ({ headers }) => cookies(headers.cookie).some(([key, value]) => key === name && isSame(session, value)),
    checkSender({ method, headers }) {
      // A name that an attacker points to this machine is no name of ours.
      const { host = '', origin } = headers
      if (!hosts.includes(host)) {
        throw new SeerError('viewer-host', {
          message: `This server answers as ${hosts.join(' and ')} only.`,
          hint: `From another machine, forward the same port: ssh -L ${port}:127.0.0.1:${port} …`,
        })
      }
      const isForeign = origin === undefined ? method === 'POST' : origin !== `http://${host}`
      if (isForeign || isOtherSite(headers['sec-fetch-site'], headers['sec-fetch-mode'])) {
        throw new SeerError('viewer-origin', { message: 'This server answers to its own page only.' })
      }
    },
  }
}

/** Another page may link here. It may not load anything from here. */
function isOtherSite(site: string | string[] | undefined, mode: string | string[] | undefined): boolean {
  return site !== undefined && site !== 'same-origin' && site !== 'none' && mode !== 'navigate'
}

function secret(): string {
  return randomBytes(24).toString('base64url')
}

function isSame(known: string, given: string): boolean {
  return timingSafeEqual(digest(known), digest(given))
}

/** Of one length, whatever was given. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

function cookies(header = ''): [string, string][] {
  return header.split(';').map((pair) => {
    const [key = '', value = ''] = pair.trim().split('=', 2)
    return [key, value]
  })
}
