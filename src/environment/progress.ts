import pc from 'picocolors'
import type { WriteStream } from 'node:tty'

/** One step of the set-up, for people. `update` may come many times between `start` and `done`. */
export type ProgressEvent = {
  step: string
  state: 'start' | 'update' | 'done'
  message: string
  elapsedMs: number
}

export type Progress = (event: ProgressEvent) => void

/** What every part of the set-up is given. */
export type SetupContext = {
  signal?: AbortSignal | undefined
  progress?: Progress | undefined
  /** Where PATH, SEER_CACHE, SEER_PYTHON and the tools' own settings come from; `process.env` unless given. */
  env?: NodeJS.ProcessEnv | undefined
}

export type Step = { update(message: string): void; done(message: string): void }

/** A step with its clock. It is only told of once there is something to do: what is ready stays silent. */
export function startStep(context: SetupContext, step: string): Step {
  const startedAt = performance.now()
  let started = false
  const report = (state: ProgressEvent['state'], message: string) =>
    context.progress?.({ step, state, message, elapsedMs: performance.now() - startedAt })
  return {
    update(message) {
      report(started ? 'update' : 'start', message)
      started = true
    },
    done(message) {
      if (started) report('done', message)
    },
  }
}

type Output = Pick<WriteStream, 'write'> & { isTTY?: boolean; columns?: number }

/**
 * Shows the set-up on a terminal: one line a step, redrawn every two seconds with its seconds so that a long download is
 * seen to live. Without a terminal: plain lines, the same message at most once and no more than one update in ten seconds.
 */
export function showProgress(output: Output = process.stderr): Progress & Disposable {
  const isTty = output.isTTY === true
  const running = new Map<string, { message: string; startedAt: number; updatedAt: number }>()
  const heartbeat = isTty ? setInterval(redraw, 2_000) : undefined
  heartbeat?.unref()

  function redraw(): void {
    const [step, state] = [...running].at(-1) ?? []
    if (!step || !state) return
    const text = `  … ${step}: ${state.message} (${seconds(performance.now() - state.startedAt)})`
    output.write(`\r\x1b[2K${pc.dim(text.slice(0, (output.columns ?? 80) - 1))}`)
  }

  const progress = (event: ProgressEvent): void => {
    const now = performance.now()
    if (event.state === 'done') {
      running.delete(event.step)
      output.write(`${isTty ? '\r\x1b[2K' : ''}  ✓ ${event.step}: ${event.message} (${seconds(event.elapsedMs)})\n`)
      if (isTty) redraw()
      return
    }
    const before = running.get(event.step)
    const isNews = before?.message !== event.message
    const isDue = !before || now - before.updatedAt > 10_000
    if (!isTty && isNews && isDue) output.write(`  … ${event.step}: ${event.message}\n`)
    running.set(event.step, {
      message: event.message,
      startedAt: now - event.elapsedMs,
      updatedAt: isNews && isDue ? now : (before?.updatedAt ?? now),
    })
    if (isTty) redraw()
  }

  return Object.assign(progress, {
    [Symbol.dispose]() {
      clearInterval(heartbeat)
      if (isTty && running.size > 0) output.write('\r\x1b[2K')
    },
  })
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
}
