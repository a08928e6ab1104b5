/** What happened to a sandbox, on one line each: its code asked for a way out, its files were saved. */
import { plural, size } from '../amounts.ts'
import { neutralise } from '../notebook/terminal-text.ts'
import { Badge } from './status.tsx'
import type { Entry } from './timeline.ts'

type EntryOf<K extends Entry['kind']> = Extract<Entry, { kind: K }>

export function Connect({ entry: { host, port, allowed, because } }: { entry: EntryOf<'connect'> }) {
  return (
    <section class="milestone milestone-connect">
      <span class="quiet">connection to</span>{' '}
      <code>
        {neutralise(host)}:{port}
      </code>{' '}
      {allowed ? <Badge tone="quiet" sign="✓" word="allowed" /> : <Badge tone="warn" sign="✕" word="refused" />}{' '}
      {because !== null && <span class="quiet">{neutralise(because)}</span>}
    </section>
  )
}

export function SnapshotSaved({ entry: { name, snapshot, files, bytes } }: { entry: EntryOf<'snapshot'> }) {
  return (
    <section class="milestone milestone-snapshot">
      <span class="quiet">snapshot</span> {neutralise(name)}{' '}
      <span class="quiet">
        {neutralise(snapshot)}, {plural(files, 'file')}, {size(bytes)}
      </span>
    </section>
  )
}
