/** About a run: what a reader must know before believing it. */
import { neutralise } from '../notebook/terminal-text.ts'
import type { Summary } from '../run/fold-summary.ts'
import { count, dateTime } from '../amounts.ts'
import { computeText } from './drift.tsx'
import { recordedText } from './milestone.tsx'

const MAX_VALUE = 300

export function Facts({ summary }: { summary: Summary }) {
  const { agents, subjects, recorded, params, compute, startedAt, seer, backend, confinement, seed, usage, models } =
    summary
  const sent = usage.inputTokens + usage.cacheReadTokens + usage.cacheWriteTokens
  const rows: [string, string[]][] = [
    ['Run', summary.run === null ? [] : [summary.run]],
    ['Started', [startedAt === null ? 'its log has no start' : dateTime(startedAt)]],
    ['Agents', agents.map(({ name, model, provider }) => `${name.replace('agent:', '')}: ${model} (${provider})`)],
    ['Recorded', recorded.map(recordedText)],
    ['Answered by', models],
    ['Model under study', subjects.map(({ name, quantisation }) => `${name}, ${quantisation}`)],
    ['Libraries', summary.libraries.length === 0 ? [] : [namesOf(summary.libraries)]],
    ['Skills', summary.skills.length === 0 ? [] : [namesOf(summary.skills)]],
    ['Parameters', Object.entries(params).map(([name, value]) => `${name} = ${valueText(value)}`)],
    [
      'Sandbox',
      [
        `${backend ?? 'none'}, ${confinement === 'none' ? 'not confined: the agent’s code has the rights of the user' : (confinement ?? 'none')}`,
      ],
    ],
    ['Computed on', compute ? [computeText(compute)] : []],
    ['Tokens', sent + usage.outputTokens === 0 ? [] : [`${count(sent)} sent, ${count(usage.outputTokens)} received`]],
    ['Seed', seed === null ? [] : [String(seed)]],
    ['Seer', seer === null ? [] : [seer]],
  ]
  return (
    <dl class="facts">
      {rows.map(([name, values]) =>
        values.length === 0 ? null : (
          <div key={name}>
            <dt>{name}</dt>
            {values.map((value) => (
              <dd key={value}>{neutralise(value)}</dd>
            ))}
          </div>
        ),
      )}
    </dl>
  )
}

function namesOf(given: readonly { readonly name: string }[]): string {
  return given.map(({ name }) => name).join(', ')
}

function valueText(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return text.length > MAX_VALUE ? `${text.slice(0, MAX_VALUE)}…` : text
}
