/** What keeps a reader honest: who answered, where it ran, with which versions and weights, and how far it can be repeated. */
import type { ComponentChildren } from 'preact'
import type { AnsweredBy } from '../../run/events.ts'
import { dateTime, fineDuration, plural } from '../../amounts.ts'
import { DriftCard } from '../drift.tsx'
import type { ReportInput } from './report-input.ts'
import { reportView } from './view.ts'

type Facts = ReportInput['summary']

export function Honest({ input }: { input: ReportInput }) {
  const { summary, drift } = input
  return (
    <section class="honest" aria-label="What this rests on">
      <dl class="facts">
        <Fact name="Agent">{agentWords(summary)}</Fact>
        <Fact name="Confinement">{confinementWords(summary)}</Fact>
        <Fact name="Started">
          {summary.startedAt === null ? 'unknown' : dateTime(summary.startedAt)}, {endWords(input)}
        </Fact>
        <Fact name="Models under study">
          {summary.subjects.length === 0
            ? 'none'
            : summary.subjects
                .flatMap(({ base, ...own }) => (base ? [own, { ...base, name: `on ${base.name}` }] : [own]))
                .map(({ name, quantisation, weightsSha256, revision }) => (
                  <div key={name}>
                    {name}, {quantisation}, {revision === undefined ? '' : `commit ${revision}, `}
                    weights <code class="hash">{weightsSha256}</code>
                  </div>
                ))}
        </Fact>
        <Fact name="Seed">{summary.seed ?? 'unknown'}</Fact>
        <Fact name="Sampling">{samplingWords(summary.params)}</Fact>
        <Fact name="Versions">{versionWords(summary)}</Fact>
        {summary.compute && (
          <Fact name="Machine">
            {[
              summary.compute.device,
              summary.compute.isa,
              summary.compute.threads === null ? '' : plural(summary.compute.threads, 'thread'),
            ]
              .filter(Boolean)
              .join(', ')}
          </Fact>
        )}
      </dl>
      <Params params={summary.params} />
      {drift && <DriftCard report={drift} view={reportView({})} />}
    </section>
  )
}

function Fact({ name, children }: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

function agentWords({ recorded, agents, models, provider }: Facts): ComponentChildren {
  if (recorded.length > 0) return recorded.map((one) => <div key={one.at}>{recordedWords(one)}</div>)
  const names = models.length > 0 ? models : [...new Set(agents.map(({ model }) => model))]
  return names.length === 0 ? 'none' : `live: ${names.join(', ')} (${provider ?? 'unknown provider'})`
}

function recordedWords({ provider, model, at, knewTruth, note }: AnsweredBy): string {
  const saw = { true: 'had seen', false: 'had not seen' }[String(knewTruth)] ?? 'may or may not have seen'
  const written = `a recording, played again: written ${dateTime(at)} by ${model} (${provider}), who ${saw} the expected answer`
  return `${written}. The code ran anew, so outputs are of this run.${note === undefined ? '' : ` Noted of it: “${note}”.`}`
}

function confinementWords({ confinement, backend }: Facts): string {
  const where = backend === null ? '' : ` (backend ${backend})`
  if (confinement === null) return `unknown${where}`
  return confinement === 'none'
    ? `none: the agent’s code ran with all rights of the user who started it${where}`
    : `${confinement}${where}`
}

function endWords({ status, summary }: ReportInput): string {
  const why = summary.error ? `: ${summary.error.message}` : ''
  if (status === 'running') return 'still running when this was written'
  if (status === 'crashed') return `crashed, last heard of after ${fineDuration(summary.durationMs)}${why}`
  return `${status} after ${fineDuration(summary.durationMs)}${why}`
}

function samplingWords(params: Facts['params']): string {
  const named = Object.entries(params).filter(([name]) => /temperature|top_?[pk]|sampl|greedy/i.test(name))
  const known = named.map(([name, value]) => `${name} = ${JSON.stringify(value)}`).join(', ')
  return known === '' ? 'not recorded: see the cells, and for the agent its provider’s default' : known
}

function versionWords({ seer, compute, toolsVersion, environment }: Facts): string {
  return [
    seer === null ? '' : `Seer ${seer}`,
    compute ? `Python ${compute.python}` : (environment?.python && `Python ${environment.python}`) || '',
    compute?.torch ? `torch ${compute.torch}` : '',
    environment === null ? '' : `packages ${environment.id}`,
    toolsVersion === null ? '' : `tools ${toolsVersion}`,
  ]
    .filter(Boolean)
    .join(', ')
}

const MAX_PARAMS = 100

function Params({ params }: { params: Facts['params'] }) {
  const entries = Object.entries(params)
  if (entries.length === 0) return null
  return (
    <details class="disclosure">
      <summary>Parameters</summary>
      <dl class="facts">
        {entries.slice(0, MAX_PARAMS).map(([name, value]) => (
          <Fact key={name} name={name}>
            <code>{JSON.stringify(value).slice(0, 2000)}</code>
          </Fact>
        ))}
      </dl>
    </details>
  )
}
