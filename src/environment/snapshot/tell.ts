/** What a run's log says of a snapshot that is not all that one might take it for. */
import { readFileSync } from 'node:fs'
import { plural } from '../../amounts.ts'
import type { Run } from '../../run/run.ts'
import type { SandboxFacts } from '../sandbox-file.ts'
import { differences } from './compare.ts'
import type { OpenedSnapshot } from './open-snapshot.ts'
import type { SnapshotRecord } from './snapshot.ts'

const SHOWN = 3

/** Names of files are the agent's words: they stand in quotes, as JSON. */
export function tellIncomplete(run: Run, sandbox: string, { name, files, skipped }: SnapshotRecord): void {
  const noted = (note: string) =>
    files.flatMap((entry) => ('note' in entry && entry.note === note ? [JSON.stringify(entry.path)] : []))
  const parts = [
    some(
      skipped.map(({ path, why }) => `${JSON.stringify(path)}: ${why}`),
      'left out',
    ),
    some(noted('changed while it was read'), 'changed while being read'),
    some(noted('secrets are hidden in it'), 'kept with the secrets in it hidden'),
  ].filter((part) => part !== undefined)
  if (parts.length === 0) return
  const text = `The snapshot "${name}" is not all that was in the workspace. ${parts.join('; ')}.`
  run.emit({ type: 'notice-add', by: 'system', sandbox, level: 'warning', code: 'snapshot-incomplete', text })
}

/** What ran in an earlier run is not in this one's log, and the rest alone would make other variables. */
export function tellBegunBefore(run: Run, sandbox: string, sessions: readonly string[]): void {
  if (sessions.length === 0) return
  const text = `The snapshot has no cells to run again of ${sessions.join(', ')}: they began in an earlier run.`
  run.emit({ type: 'notice-add', by: 'system', sandbox, level: 'info', code: 'snapshot-without-cells', text })
}

function some(all: readonly string[], how: string): string | undefined {
  if (all.length === 0) return undefined
  return `${plural(all.length, 'file')} ${how} (${all.slice(0, SHOWN).join(', ')}${all.length > SHOWN ? ', …' : ''})`
}

/** A sandbox that begins with a snapshot and has other packages, models or another seed. */
export function tellDifferences(run: Run, { record }: OpenedSnapshot, facts: SandboxFacts): void {
  const lock = readFileSync(facts.environment.lock, 'utf8')
  const told = differences(record, { handles: facts.modelHandles, lock, seed: run.start.seed })
  if (told.length === 0) return
  const text = `The sandbox begins with the snapshot "${record.name}", and is not in all as that one was. ${told.join(' ')}`
  run.emit({ type: 'notice-add', by: 'system', sandbox: facts.id, level: 'warning', code: 'snapshot-differs', text })
}
