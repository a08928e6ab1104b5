/** What the address after `#` says is shown: the list of runs, or one run and perhaps a place in it. */

export type Route = { page: 'runs' } | { page: 'run'; id: string; anchor: string | null }

export function parseRoute(hash: string): Route {
  const [page, id, anchor] = hash
    .replace(/^#?\/?/, '')
    .split('/')
    .map(decoded)
  return page === 'run' && id ? { page: 'run', id, anchor: anchor || null } : { page: 'runs' }
}

export function runHref(id: string, anchor?: string): string {
  const place = anchor === undefined ? '' : `/${encodeURIComponent(anchor)}`
  return `#/run/${encodeURIComponent(id)}${place}`
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
