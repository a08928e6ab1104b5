/** What answers at a url, made when the first client comes: most runs have none, and the SDK takes time and memory. */
import type { Door, Endpoint } from './endpoint.ts'

export function lazyEndpoint(doors: readonly Door[]): Endpoint {
  let made: Promise<Endpoint> | undefined
  return {
    async answer(...request) {
      made ??= import('./endpoint.ts').then(({ openEndpoint }) => openEndpoint(doors))
      await (await made).answer(...request)
    },
    async close() {
      await (await made)?.close()
    },
  }
}
