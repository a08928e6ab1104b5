/** The first cell of a notebook: what a reader must know before believing the rest. */
import { neutralise } from '../notebook/terminal-text.ts'
import type { Summary } from './fold-summary.ts'

export function aboutText(summary: Summary): string {
  const title = `# ${plain(summary.experiment ?? 'A run')}`
  return [title, statusLine(summary), ...warnings(summary).map((text) => `> ${text}`), footer(summary)].join('\n\n')
}

function statusLine({ run, startedAt, status, durationMs, error, cells }: Summary): string {
  const state =
    status === 'running' ? 'still **running** when this was written' : `**${status}** after ${duration(durationMs)}`
  const counts = `${cells.started} cells, ${cells.failed} failed`
  const why = error ? ` It ended with: ${plain(error.message)}` : ''
  return `Run \`${run ?? '?'}\`, started ${startedAt ?? '?'}: ${state} (${counts}).${why}`
}

const KNEW: Record<string, string> = {
  true: 'Its writer had seen the expected answer.',
  false: 'Its writer had not seen the expected answer.',
  null: 'Whether its writer had seen the expected answer is not known.',
}

function warnings({ recorded, confinement, kernels, lost, provider, models, agents }: Summary): string[] {
  const said = recorded.map(({ provider: from, model, at, knewTruth, note }) => {
    const saw = KNEW[String(knewTruth)]
    return (
      `**The agent's words are a recording.** They were written by ${plain(model)} (${plain(from)}) on ${plain(at)} and played again here; ` +
      `the code ran anew, so the outputs are of this run. ${saw}${note === undefined ? '' : ` ${plain(note)}`}`
    )
  })
  const model = models.at(-1) ?? agents.at(-1)?.model
  const live =
    recorded.length > 0 || model === undefined ? [] : [`The agent: ${plain(model)} (${plain(provider ?? '?')}), live.`]
  const unconfined =
    confinement === 'none'
      ? ["**This run was not confined.** The agent's code ran with all rights of the user who started it."]
      : []
  const died =
    kernels.died > 0
      ? [`The kernel died ${kernels.died === 1 ? 'once' : `${kernels.died} times`}; its variables were lost.`]
      : []
  const missing =
    lost.messages + lost.bytes > 0 ? [`Output was lost: ${lost.messages} messages, ${lost.bytes} bytes.`] : []
  return [...said, ...live, ...unconfined, ...died, ...missing]
}

function footer({ findings }: Summary): string {
  const claims = findings === 0 ? '' : ' What the agent concludes is its claim, which nothing has checked.'
  return `This notebook is made from \`events.jsonl\`, which lies beside it and is the record.${claims}`
}

export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** One line, and no markdown of its own. */
function plain(text: string): string {
  return neutralise(text)
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/[\\`*_[\]<>#|]/g, (character) => `\\${character}`)
}
