/**
 * Who has the floor of a session that several work in: one of them runs code at a time, so that nobody's cell is thrown away
 * because another's failed before it. Whoever is alone notices nothing.
 */
import type { Kernel } from '../kernel/kernel.ts'
import type { By } from '../run/events.ts'
import { untilAborted } from '../until-aborted.ts'

export interface Floor {
  /** Resolves when nobody else has it; it is then the caller's, until what is returned is called and its cells have ended. */
  readonly take: (by: By, signal: AbortSignal) => Promise<() => void>
  /** Somebody is about to write: others who ask first are asked to wait. Returns how to take that back. */
  readonly hold: (by: By) => () => void
  /** Resolves when nobody else writes, or is about to. Whoever has left a cell running is not waited for without an end. */
  readonly free: (by: By, signal: AbortSignal) => Promise<void>
  /** Who else writes, or is about to. */
  readonly others: (by: By) => By[]
}

const MAX_WAIT_MS = 5 * 60_000

type Cells = Pick<Kernel, 'running' | 'authorOf' | 'ended'>

export function openFloor(kernel: Cells, maxWaitMs = MAX_WAIT_MS): Floor {
  let owner: By | undefined
  let uses = 0
  const holds = new Map<object, By>()
  let changed = Promise.withResolvers<undefined>()
  const tellChange = () => {
    changed.resolve(undefined)
    changed = Promise.withResolvers()
  }
  const isOwnedByOther = (by: By) => owner !== undefined && owner !== by
  const holders = (by: By) => [...holds.values()].filter((one) => isOther(one, by))
  const cellsOf = (isMeant: (author: By) => boolean) => kernel.running.filter((cell) => isMeant(kernel.authorOf(cell)))
  const ends = async (cells: readonly string[]) => {
    for (const cell of cells) await kernel.ended(cell)?.catch(() => undefined)
  }
  const writers = (by: By) => {
    const authors = kernel.running.map((cell) => kernel.authorOf(cell))
    return [...(owner === undefined ? [] : [owner]), ...authors].filter((one) => isOther(one, by))
  }

  /** Its own cells that go on keep the floor: what comes after them would not run if they failed. */
  async function leave(by: By): Promise<void> {
    await ends(cellsOf((author) => author === by))
    uses -= 1
    if (uses === 0) owner = undefined
    tellChange()
  }

  /** Nobody writes; or somebody does, and has done so for too long. */
  async function quiet(by: By, signal: AbortSignal): Promise<void> {
    const patience = AbortSignal.timeout(maxWaitMs)
    const both = AbortSignal.any([signal, patience])
    try {
      while (writers(by).length > 0) {
        const others = cellsOf((author) => isOther(author, by))
        await untilAborted(others.length > 0 ? ends(others) : changed.promise, both)
      }
    } catch (error) {
      if (signal.aborted || !patience.aborted) throw error
    }
  }

  return {
    async take(by, signal) {
      signal.throwIfAborted()
      while (isOwnedByOther(by)) await untilAborted(changed.promise, signal)
      owner = by
      uses += 1
      let isLeft = false
      return () => {
        if (!isLeft) void leave(by)
        isLeft = true
      }
    },
    hold(by) {
      const hold = {}
      holds.set(hold, by)
      return () => {
        if (holds.delete(hold)) tellChange()
      }
    },
    async free(by, signal) {
      signal.throwIfAborted()
      await quiet(by, signal)
      while (holders(by).length > 0) {
        await untilAborted(changed.promise, signal)
        await quiet(by, signal)
      }
    },
    others: (by) => [...new Set([...writers(by), ...holders(by)])],
  }
}

function isOther(one: By, by: By): boolean {
  return one !== by && one !== 'setup' && one !== 'system'
}
