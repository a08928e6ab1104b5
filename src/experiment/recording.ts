import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { z } from 'zod'
import { describeError, SeerError } from '../errors.ts'
import { recordedProvider } from '../harness/recorded.ts'
import { parseTrajectory, sha256Of, type Trajectory } from '../harness/trajectory.ts'

/** Where an experiment keeps its recording of a profile. */
export function recordingPath(experimentFolder: string, profile: string): string {
  return join(experimentFolder, 'recordings', `${profile}.json`)
}

export function readRecording(path: string): Trajectory {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    throw new SeerError('recording-missing', {
      message: `There is no readable recording at ${path}: ${describeError(cause)}`,
      hint: 'Set ANTHROPIC_API_KEY and use --provider claude; --record keeps its words as a recording.',
      cause,
    })
  }
  return parseTrajectory(text, path)
}

/** Throws `recording-stale` for what can be told before a sandbox is started: other parameters, another task. */
export function refuseEarly(
  recording: Trajectory,
  now: { params: Record<string, z.core.util.JSONType>; task: string },
): void {
  const { madeFor } = recording
  // The prompt may hold more than the task, and that part is known only when the session is there.
  const prompt = madeFor.prompt.includes(now.task) ? madeFor.prompt : withTask(madeFor.prompt, now.task)
  recordedProvider(recording, { ...madeFor, params: now.params, prompt, promptSha256: sha256Of(prompt) }).check()
}

/** The recorded prompt with its last lines replaced by the task as it is now. */
function withTask(recorded: string, task: string): string {
  const first = task.split('\n', 1)[0] ?? ''
  const at = first === '' ? -1 : recorded.indexOf(first)
  if (at >= 0) return recorded.slice(0, at) + task
  // Its first line is another one: as many lines at the end are taken for the recorded task.
  return [...recorded.split('\n').slice(0, -task.split('\n').length), task].join('\n')
}
