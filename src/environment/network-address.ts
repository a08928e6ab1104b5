/** Which addresses are public, as the proxy sees it: the same list as in `python/seer_host/network_address.py`. */
import { BlockList, isIP } from 'node:net'

export const NOT_PUBLIC = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fc00::/7',
  '0.0.0.0/8',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3ffe::/16',
  '3fff::/20',
  '100.100.100.200/32',
  '168.63.129.16/32',
  'fd00:ec2::/32',
  'fd20:ce::/32',
]
export const PUBLIC_IPV6 = '2000::/3'

const notPublic = blockList(NOT_PUBLIC)
const publicIpv6 = blockList([PUBLIC_IPV6])

export function addressFamily(text: string): 'ipv4' | 'ipv6' | undefined {
  // One with a zone (`fe80::1%eth0`) is of this machine alone.
  const family = text.includes('%') ? 0 : isIP(text)
  return family === 4 ? 'ipv4' : family === 6 ? 'ipv6' : undefined
}

export function isPublicAddress(address: string): boolean {
  const family = addressFamily(address)
  if (family === undefined || notPublic.check(address, family)) return false
  return family === 'ipv4' || publicIpv6.check(address, family)
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', bits] = network.split('/')
    list.addSubnet(address, Number(bits), addressFamily(address))
  }
  return list
}
