import type { By } from '../run/events.ts'

const MAX_LENGTH = 40

/**
 * Who an agent from outside is in the log: by what its client calls itself. Whatever that is, it is none of the run's own agents,
 * and never a person.
 */
export function authorOf(client: string | undefined, own: readonly By[]): By {
  const name = (client ?? '')
    .slice(0, 200)
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replaceAll(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_LENGTH)
    .replace(/^-+|-+$/g, '')
  if (name === '') return 'agent:outside'
  return own.includes(`agent:${name}`) ? `agent:${name}-outside` : `agent:${name}`
}
