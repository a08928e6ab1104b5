/** The first cell of a notebook, what a reader must know before believing the rest; and the last, how it ended. */
import { plain } from '../notebook/safe-markdown.ts'
import type { Subject } from './subject.ts'
import type { Summary } from './fold-summary.ts'

export function aboutText(summary: Summary): string {
  const title = `# ${plain(summary.experiment ?? 'A run')}`
  const first = [
    runSentence(summary),
    ...attachedSentences(summary),
    cellsSentence(summary),
    subjectsSentence(summary),
  ].filter((text) => text !== '')
  return [title, first.join(' '), ...warnings(summary).map((text) => `> ${text}`), footer(summary)].join('\n\n')
}

/** Status, and for a played recording how far the fresh outputs agree with it. */
export function endText(summary: Summary): string {
  return [
    `This run ${statusWords(summary)}.${endDetail(summary)}`,
    ...detachedSentences(summary),
    driftSentence(summary),
  ]
    .filter((text) => text !== '')
    .join(' ')
}

function runSentence(summary: Summary): string {
  const { run, profile, startedAt, seer, seed, replayOf } = summary
  const again =
    replayOf === undefined ? '' : `, which runs the cells of the run \`${replayOf.replaceAll('`', '')}\` again`
  const named = `This is the run \`${run ?? '?'}\`${profile === null ? '' : ` with the profile ${plain(profile)}`}${again}`
  const made = seer === null ? '' : `, made by Seer ${plain(seer)}${seed === null ? '' : ` with the seed ${seed}`}`
  return `${named}${made}. It started ${time(startedAt)} and ${statusWords(summary)}.${endDetail(summary)}`
}

function attachedSentences({ attached = [] }: Summary): string[] {
  return attached.map(
    ({ session, run }) =>
      `It goes on with the session ${plain(session)} of the run ${code(run)}: its variables are of there, and so are its earlier cells.`,
  )
}

/** How it was left. */
function detachedSentences({ detached = [] }: Summary): string[] {
  return detached.map(({ session, cells }) => {
    const going = cells.length === 0 ? '' : `, with ${cells.map((cell) => plain(cell)).join(', ')} still running`
    return `The session ${plain(session)} lived on when its sandbox was let go${going}.`
  })
}

function code(text: string): string {
  return `\`${text.replaceAll('`', '')}\``
}

function statusWords({ status, durationMs }: Summary): string {
  return status === 'running'
    ? 'was still **running** when this was written'
    : `**${status}** after ${duration(durationMs)}`
}

function endDetail({ status, error }: Summary): string {
  const crash = ' Its process ended without a word; what its sandbox still held was saved afterwards.'
  const why = error ? ` It ended with: ${plain(error.message)}` : ''
  return (status === 'crashed' ? crash : '') + why
}

function cellsSentence({ cells }: Summary): string {
  const { started, ok, failed, interrupted, stopped, unknown, detached = 0, running, superseded } = cells
  if (started === 0) return 'No cell was run.'
  const parts: [number, string][] = [
    [ok, 'went well'],
    [failed, 'failed'],
    [interrupted, 'interrupted'],
    [stopped, 'stopped with the kernel'],
    [unknown, 'with an end that is not known'],
    [detached, 'left running in a sandbox that was let go'],
    [running, 'still running'],
  ]
  const replaced = superseded === 0 ? '' : ` (${superseded} replaced by a later one)`
  return `It ran ${started} ${started === 1 ? 'cell' : 'cells'}${replaced}: ${counted(parts)}.`
}

function subjectsSentence({ subjects }: Summary): string {
  const named = subjects.map((subject) =>
    [subject, ...(subject.base ? [subject.base] : [])].map(weightsText).join(' on '),
  )
  if (named.length === 0) return ''
  return `Under study: ${named.join('; ')}.`
}

function weightsText({ name, quantisation, weightsSha256, revision }: Omit<Subject, 'base'>): string {
  const at = revision === undefined ? '' : `commit ${code(revision.slice(0, 12))}, `
  return `${plain(name)} (${at}${plain(quantisation)}, weights ${code(weightsSha256.slice(0, 12))})`
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
      `**The agent's words are a recording.** They were written by ${plain(model)} (${plain(from)}) ${time(at)} and played again here; ` +
      `the code ran anew, so the outputs are of this run. ${saw}${note === undefined ? '' : ` Noted of it: “${plain(note)}”.`}`
    )
  })
  const model = models.at(-1) ?? agents.at(-1)?.model
  const live =
    recorded.length > 0 || model === undefined
      ? []
      : [`The agent was ${plain(model)} (${plain(provider ?? '?')}), live.`]
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

function driftSentence({ drift }: Summary): string {
  if (drift === null) return ''
  const { exact, 'within-tolerance': near, differs, missing } = drift
  const all = exact + near + differs + missing
  const parts: [number, string][] = [
    [exact, 'put out exactly the same'],
    [near, 'the same within the tolerance'],
    [differs, 'something else'],
    [missing, 'ran in only one of the two'],
  ]
  return `Compared with the recording, cell by cell (${all}): ${counted(parts)}.`
}

function counted(parts: readonly [number, string][]): string {
  return parts.flatMap(([n, what]) => (n > 0 ? [`${n} ${what}`] : [])).join(', ')
}

function time(at: string | null): string {
  if (at === null) return 'at an unknown time'
  const [, date, clock] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(at) ?? []
  return date === undefined ? `on ${plain(at)}` : `on ${date} at ${clock} UTC`
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
