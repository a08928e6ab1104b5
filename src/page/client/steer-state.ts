/** What became of what the researcher asked of a run. */
import { ApiError, steer, type Steer } from './api.ts'

export type Asked =
  | { is: 'idle' }
  | { is: 'sending'; what: Steer['do'] }
  | { is: 'accepted'; what: Steer['do'] }
  | { is: 'failed'; what: Steer['do']; message: string; hint: string | undefined }

export async function ask(run: string, request: Steer, onChange: (asked: Asked) => void): Promise<boolean> {
  const what = request.do
  onChange({ is: 'sending', what })
  try {
    await steer(run, request)
    onChange({ is: 'accepted', what })
    return true
  } catch (error) {
    const { message, hint } = error instanceof ApiError ? error : { message: String(error), hint: undefined }
    onChange({ is: 'failed', what, message, hint })
    return false
  }
}

const DOING = { interrupt: 'Interrupting …', message: 'Sending …', stop: 'Asking the run to stop …' }
const DONE = {
  interrupt: 'Interrupt sent. The agent is told when it next answers.',
  message: 'Sent. It stands here as soon as the agent has it.',
  stop: 'The run was asked to stop. It ends its cell and closes its log.',
}

export function wordsOf(asked: Asked): { tone: 'busy' | 'ok' | 'error'; text: string } | undefined {
  if (asked.is === 'idle') return undefined
  if (asked.is === 'sending') return { tone: 'busy', text: DOING[asked.what] }
  if (asked.is === 'accepted') return { tone: 'ok', text: DONE[asked.what] }
  return { tone: 'error', text: [asked.message, asked.hint].filter(Boolean).join(' ') }
}
