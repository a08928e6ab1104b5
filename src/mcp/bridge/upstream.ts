/** The run on the other side of the bridge: it comes and goes, and another one comes. */
import { describeError } from '../../errors.ts'
import type { ClientInfo } from '../view.ts'
import { liveRuns } from '../reach.ts'
import { openLink, type Link } from './link.ts'
import { findTarget, type Target, type Wanted } from './target.ts'

/** So often is looked whether a run has come or gone, to tell clients that want to be told. */
const LOOK_MS = 1000

export interface Upstream extends AsyncDisposable {
  /** Connects where it can; undefined while no run goes on. Throws what keeps it from a run that does. */
  readonly link: (who: ClientInfo) => Promise<Link | undefined>
  /** The connection is of no use any more. */
  readonly drop: (link: Link) => void
  /** What there is to connect to, or is connected. */
  readonly target: () => Target | undefined
  /** Why that cannot be said. */
  readonly trouble: () => string | undefined
  /** The run before, which has ended. */
  readonly ended: () => Target | undefined
}

/** `onChange`: another run, or none. */
export function openUpstream(wanted: Wanted, onChange: () => void): Upstream {
  let current: Link | undefined
  let opening: Promise<Link | undefined> | undefined
  let ended: Target | undefined
  let seen: string | undefined
  let trouble: string | undefined

  /** The one that is connected as long as its run goes on: a newer one does not take its place. */
  function target(): Target | undefined {
    if (current && isLive(current.target)) return current.target
    if (current) drop(current)
    trouble = undefined
    try {
      return findTarget(wanted)
    } catch (error) {
      trouble = describeError(error)
      return undefined
    }
  }

  function drop(link: Link): void {
    if (current !== link) return
    current = undefined
    ended = link.target
    void link[Symbol.asyncDispose]()
  }

  async function open(who: ClientInfo): Promise<Link | undefined> {
    const found = target()
    if (!found || current) return current
    current = await openLink(found, who)
    seen = found.server.url
    return current
  }

  const look = () => {
    const found = target()?.server.url
    if (found === seen) return
    seen = found
    onChange()
  }
  const timer = setInterval(look, LOOK_MS)
  return {
    link: (who) => (opening ??= open(who).finally(() => (opening = undefined))),
    drop,
    target,
    trouble: () => trouble,
    ended: () => ended,
    async [Symbol.asyncDispose]() {
      clearInterval(timer)
      await opening?.catch(() => undefined)
      await current?.[Symbol.asyncDispose]()
    },
  }
}

/** Its process lives and has something to offer: a session that has ended in it is found out when it is asked. */
function isLive({ folder }: Target): boolean {
  return liveRuns().some((one) => one.folder === folder)
}
