/** Where code behind the wall may connect to: from what was asked for to the proxy's rules, and to what programs inside are told. Pure. */
import { existsSync } from 'node:fs'
import { domainToASCII } from 'node:url'
import type { NetworkRules } from '../channel/protocol.ts'
import { SeerError } from '../errors.ts'
import { addressFamily, isPublicAddress } from './network-address.ts'

/** `none`, every public address, or hosts: `api.openai.com`, `*.huggingface.co` (what is below it), `1.1.1.1`, each also with `:port`. */
export type NetworkOption = 'none' | 'open' | readonly string[]

export interface Network {
  /** For the host; null: there is no way out at all. */
  readonly rules: NetworkRules | null
  /** For the log. */
  readonly told: 'none' | 'open' | string[]
}

/** On the sandbox's own loopback, as in `python/seer_host/network_forward.py`. */
const PROXY = 'http://127.0.0.1:3128'
const DEFAULT_PORTS = [443, 80]
const HUB = 'huggingface.co'
/** Seen in a sandbox at the same place; Python's own TLS does not look there by itself. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt'

const NAME = /^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/
/** As the system's resolver takes it for a number: 2130706433, 0x7f.1, 0177.0.0.1. */
const ENDS_IN_NUMBER = /(^|\.)([0-9]+|0x[0-9a-f]*)$/

/** Throws a SeerError that names the entry and says what is wrong with it. */
export function parseNetwork(option: NetworkOption): Network {
  if (option === 'none' || option.length === 0) return { rules: null, told: 'none' }
  if (option === 'open') return { rules: { open: true, hosts: [] }, told: 'open' }
  const entries = new Map(option.map(parseEntry).map((entry) => [textOf(entry), entry]))
  const hosts = [...entries.values()].flatMap(({ name, port }) =>
    (port === undefined ? DEFAULT_PORTS : [port]).map((one) => ({ name, port: one, private: false })),
  )
  return { rules: { open: false, hosts }, told: [...entries.keys()] }
}

/** Without a wall nothing keeps code from anywhere, so nothing but the default can be asked for. */
export function checkNetworkIsHeld(option: NetworkOption, isConfined: boolean): void {
  if (isConfined || option === 'none') return
  throw new SeerError('network-needs-wall', {
    message: `The sandbox is asked for with network ${JSON.stringify(option)} and without a wall: nothing could keep its code to that.`,
    hint: 'Take `network` out, or start it confined (without --unconfined).',
  })
}

/** What programs inside find in their environment, beside what every kernel has. */
export function networkEnvironment(
  { rules }: Network,
  hasCertificates = existsSync(CERTIFICATES),
): Record<string, string> {
  if (rules === null) return {}
  const here = 'localhost,127.0.0.1,::1'
  const hasHub = rules.open || rules.hosts.some(({ name, port }) => name === HUB && port === 443)
  return {
    HTTP_PROXY: PROXY,
    http_proxy: PROXY,
    HTTPS_PROXY: PROXY,
    https_proxy: PROXY,
    NO_PROXY: here,
    no_proxy: here,
    ...(hasCertificates ? { SSL_CERT_FILE: CERTIFICATES } : {}),
    // Where the hub cannot be reached, to say so at once beats trying for a while.
    ...(hasHub ? { HF_HUB_OFFLINE: '0', TRANSFORMERS_OFFLINE: '0' } : {}),
  }
}

interface Entry {
  readonly name: string
  readonly port: number | undefined
}

function textOf({ name, port }: Entry): string {
  if (port === undefined) return name
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`
}

function parseEntry(entry: string): Entry {
  const { host, port } = split(entry)
  const family = addressFamily(host)
  if (family !== undefined) {
    if (!isPublicAddress(host))
      throw refused(entry, 'is not a public address', 'No sandbox connects to this machine or into a private network.')
    return { name: host.toLowerCase(), port }
  }
  const isBelow = host.startsWith('*.')
  return { name: `${isBelow ? '*.' : ''}${parseName(entry, isBelow ? host.slice(2) : host, isBelow)}`, port }
}

function split(entry: string): { host: string; port: number | undefined } {
  checkForm(entry)
  if (addressFamily(entry) !== undefined) return { host: entry, port: undefined }
  const match = /^(?:\[(?<address>[^[\]]*)\]|(?<name>[^[\]:]*))(?::(?<port>\d{1,5}))?$/.exec(entry)?.groups
  if (!match) throw refused(entry, 'is not a host, or a host and a port', 'Such as "api.openai.com:8443".')
  const { address, name = '', port } = match
  if (address !== undefined && addressFamily(address) !== 'ipv6')
    throw refused(entry, 'has brackets around what is no IPv6 address', 'Leave the brackets out.')
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535))
    throw refused(entry, `has the port ${port}`, 'A port is a number from 1 to 65535.')
  return { host: address ?? name, port: port === undefined ? undefined : Number(port) }
}

/** What is often written in place of a host. */
function checkForm(entry: string): void {
  const hostOf = () =>
    URL.canParse(entry) ? `Write the host alone: "${new URL(entry).host}".` : 'Write the host alone.'
  if (entry === '') throw refused(entry, 'is empty', 'Write a host, such as "api.openai.com".')
  if (/[\s\p{Cc}]/u.test(entry)) throw refused(entry, 'has a space or a line end in it', 'Write each host by itself.')
  if (entry.includes('://')) throw refused(entry, 'is a URL', hostOf())
  if (/[/?#\\]/.test(entry))
    throw refused(entry, 'has a path', `Write the host alone: "${entry.replace(/[/?#\\].*$/s, '')}".`)
  if (entry.includes('@')) throw refused(entry, 'has a user in it', 'Write the host alone.')
  if (/^\*(:\d+)?$/.test(entry))
    throw refused(entry, 'is every host', "Write network: 'open', which is every public address.")
  if (entry.lastIndexOf('*') > 0 || /^\*[^.]/.test(entry))
    throw refused(
      entry,
      'has a * that is not its first part',
      'Such as "*.example.org", which is all that is below it.',
    )
}

function parseName(entry: string, given: string, isBelow: boolean): string {
  // Only of names that need it: what is ASCII already it would read as a URL's host, and so numbers as addresses.
  const ascii = /^[\0-\x7f]*$/.test(given) ? given.toLowerCase() : domainToASCII(given)
  const name = ascii.replace(/\.$/, '')
  if (ENDS_IN_NUMBER.test(name))
    throw refused(entry, 'ends in a number, and is no address as it is usually written', 'Such as 1.1.1.1, or a name.')
  if (!NAME.test(name)) throw refused(entry, 'is no name of a host', 'Such as "api.openai.com".')
  if (name === 'localhost' || name.endsWith('.localhost'))
    throw refused(entry, 'is this machine', 'What runs on it is out of reach of every sandbox.')
  if (!name.includes('.'))
    throw refused(
      entry,
      isBelow ? 'is far too wide' : 'has no dot, so it is no public name',
      isBelow ? "Name the hosts, or write network: 'open', which is every public address." : 'Write its full name.',
    )
  return name
}

function refused(entry: string, what: string, hint: string): SeerError {
  return new SeerError('network-invalid', { message: `network: ${JSON.stringify(entry)} ${what}.`, hint })
}
