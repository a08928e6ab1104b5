/**
 * A fold: what a log says, as a state that grows event by event.
 *
 * The rules. A state is plain data: it survives a round trip through JSON, so that folding can stop and go on elsewhere.
 * `step` may change the state that it is given and returns the one to go on with: whoever needs an earlier state copies it.
 * `initial` is a new state each time. An event that a fold does not know changes nothing.
 */
import type { EventOf, EventType, RunEvent, UnknownEvent } from './events.ts'

export type AnyEvent = RunEvent | UnknownEvent

export interface Fold<S> {
  initial(): S
  step(state: S, event: AnyEvent): S
}

/** Folds events on from `from`, or from the start. */
export function fold<S>(f: Fold<S>, events: Iterable<AnyEvent>, from?: S): S {
  let state = from ?? f.initial()
  for (const event of events) state = f.step(state, event)
  return state
}

/** A `step` by type of event. Only events whose payload was checked by the reader carry a known type. */
export type Steps<S> = { readonly [T in EventType]?: (state: S, event: EventOf<T>) => void }

export function foldBy<S>(initial: () => S, steps: Steps<S>): Fold<S> {
  return {
    initial,
    step(state, event) {
      if (!Object.hasOwn(steps, event.type)) return state
      const step = steps[event.type as EventType] as ((state: S, event: AnyEvent) => void) | undefined
      step?.(state, event)
      return state
    },
  }
}
