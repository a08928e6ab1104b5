/** Who is in a session now, each by a name of its own: two windows of the same program are two authors. */
import type { By } from '../run/events.ts'
import { authorOf } from './author.ts'

export interface Guest {
  /** The same as long as it stays; but an agent of the run that begins later has its name for itself. */
  readonly author: () => By
  readonly leave: () => void
}

export interface Guests {
  /** By what its client calls itself. */
  readonly enter: (client: string) => Guest
  /** Of one that is known by that alone, since nobody can tell when it has left. */
  readonly passing: (client: string | undefined) => By
}

/** `own`: the agents of the run so far. */
export function openGuests(own: () => readonly By[]): Guests {
  const names = new Map<object, By>()
  const passing = (client: string | undefined) => authorOf(client, own(), [...names.values()])
  return {
    enter(client) {
      const guest = {}
      names.set(guest, passing(client))
      return {
        author() {
          const before = names.get(guest)
          const by = before !== undefined && !own().includes(before) ? before : passing(client)
          names.set(guest, by)
          return by
        },
        leave: () => void names.delete(guest),
      }
    },
    passing,
  }
}
