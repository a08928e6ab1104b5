/** Who is in a session now, each by a name of its own: two windows of the same program are two authors. */
import type { By } from '../run/events.ts'
import { authorOf } from './author.ts'

export interface Guest {
  /** The same as long as it stays; but an agent of the run that begins later has its name for itself. */
  readonly author: () => By
  readonly leave: () => void
}

export interface Guests {
  /** By what its client calls itself. While it is not here (nothing connects it), another one may come by its name: mostly itself, anew. */
  readonly enter: (client: string, isHere: () => boolean) => Guest
  /** Of one that is known by that alone, since nobody can tell when it has left. */
  readonly passing: (client: string | undefined) => By
}

/** `own`: the agents of the run so far. */
export function openGuests(own: () => readonly By[]): Guests {
  const names = new Map<() => boolean, By>()
  const taken = () => [...names].flatMap(([isHere, name]) => (isHere() ? [name] : []))
  return {
    enter(client, isHere) {
      const name = (): By => {
        const before = names.get(isHere)
        names.delete(isHere)
        const others = taken()
        const isFree = before !== undefined && !own().includes(before) && !others.includes(before)
        const by = isFree ? before : authorOf(client, own(), others)
        names.set(isHere, by)
        return by
      }
      name()
      return { author: name, leave: () => void names.delete(isHere) }
    },
    passing: (client) => authorOf(client, own(), taken()),
  }
}
