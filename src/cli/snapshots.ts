/** `seer snapshots`: what is kept of sandboxes on this machine. Names of snapshots and files are others' words: nothing in them acts. */
import { count, dateTime, plural, size } from '../amounts.ts'
import { readVerified } from '../environment/snapshot/verify.ts'
import { snapshotOf } from '../environment/snapshot/open-snapshot.ts'
import type { SnapshotRecord } from '../environment/snapshot/snapshot.ts'
import {
  findSnapshot,
  listSnapshots,
  removeSnapshot,
  snapshotsFolder,
  type ListedSnapshot,
} from '../environment/snapshot/store.ts'
import type { Output } from '../harness/safe-writer.ts'
import { inline } from '../harness/story/look.ts'
import { exitCodes } from './settings.ts'
import { aligned } from './show-lines.ts'
import { openTerminal, type Terminal } from './terminal.ts'

interface Options {
  readonly json?: boolean | undefined
  readonly out?: Output
  readonly color?: boolean
}

const MAX_SHOWN = 50
const NAME_COLUMNS = 60
const LABEL_COLUMNS = 13

const terminalOf = ({ out, color }: Options) => openTerminal(out, color === undefined ? {} : { color })

export function listSnapshotsCommand(options: Options = {}): number {
  const terminal = terminalOf(options)
  const all = listSnapshots()
  const problems = all.filter(({ problem }) => problem !== undefined).length
  if (options.json) {
    for (const one of all) terminal.printLine(factsOf(one))
    terminal.printLine(last(problems > 0 ? 'problem' : 'ok', { snapshots: all.length, problems }))
  } else if (all.length === 0) terminal.say(`There are no snapshots in ${snapshotsFolder()}.`)
  else {
    const rows = all.map(({ id, record, problem }) =>
      record
        ? [
            id,
            inline(record.name, NAME_COLUMNS),
            dateTime(record.createdAt),
            amounts(id, record),
            inline(record.run, 60),
          ]
        : [id, terminal.look.colors.red('damaged'), inline(problem ?? '', NAME_COLUMNS)],
    )
    terminal.print(aligned(rows))
  }
  return problems > 0 ? exitCodes.failed : exitCodes.ok
}

/** Reads every byte of it, and says whether all are as they were saved. */
export async function showSnapshotCommand(which: string, options: Options = {}): Promise<number> {
  const terminal = terminalOf(options)
  const folder = findSnapshot(which)
  const record = await readVerified(folder)
  if (options.json) {
    const { lock: _, ...environment } = record.environment
    terminal.printLine({ ...record, environment, folder })
    terminal.printLine(last('ok', { snapshot: record.id, problems: 0 }))
  } else tell(terminal, folder, record)
  return exitCodes.ok
}

export function removeSnapshotsCommand(which: readonly string[], options: Options = {}): number {
  const terminal = terminalOf(options)
  // All of them are looked for before the first one goes.
  const ids = [...new Set(which.map(findSnapshot))].map(removeSnapshot)
  if (options.json) terminal.printLine(last('ok', { removed: ids }))
  else for (const id of ids) terminal.say(`Removed ${id}.`)
  return exitCodes.ok
}

function tell(terminal: Terminal, folder: string, record: SnapshotRecord): void {
  const { models, secrets, files, skipped, cells, environment } = record
  const line = (text: string) => inline(text, terminal.look.width)
  const rows: [string, string][] = [
    ['id', record.id],
    ['folder', folder],
    ['saved', `${dateTime(record.createdAt)}, by Seer ${record.seer}`],
    ['from', `${record.run}, sandbox ${record.sandbox}`],
    ['files', `${amounts(record.id, record)}, every byte as it was saved`],
    ['cells', count(cells.length)],
    ['environment', `${environment.id}, ${plural(environment.lock.trim().split('\n').length, 'package')}`],
    ...models.map(({ name, weightsSha256 }): [string, string] => ['model', `${name}, ${weightsSha256.slice(0, 12)}…`]),
    ...(secrets.length > 0 ? [['secrets', `${secrets.join(', ')} (their names)`] as [string, string]] : []),
  ]
  const facts = aligned(rows.map(([what, text]) => [what, inline(text, terminal.look.width - LABEL_COLUMNS)]))
  terminal.print([terminal.look.colors.bold(line(record.name)), '', ...facts, ''])
  const shown = files.slice(0, MAX_SHOWN).map((entry) => {
    const what = entry.kind === 'file' ? size(entry.bytes) : entry.kind
    return [what, entry.path, ...('note' in entry && entry.note !== undefined ? [entry.note] : [])].map((cell) =>
      inline(cell, 80),
    )
  })
  terminal.print(aligned(shown))
  if (files.length > MAX_SHOWN) terminal.say(`… and ${count(files.length - MAX_SHOWN)} more (--json has them all)`)
  terminal.print(skipped.slice(0, MAX_SHOWN).map(({ path, why }) => line(`left out: ${path}: ${why}`)))
}

function amounts(id: string, record: SnapshotRecord): string {
  const { files, bytes } = snapshotOf(id, record)
  return `${plural(files, 'file')}, ${size(bytes)}`
}

function factsOf({ id, path, record, problem }: ListedSnapshot) {
  if (!record) return { snapshot: id, folder: path, status: 'damaged', problem }
  const { name, createdAt, run, sandbox, files, bytes } = snapshotOf(path, record)
  return { snapshot: id, folder: path, status: 'ok', name, createdAt, run, sandbox, files, bytes }
}

/** For scripts. */
function last(status: string, counts: object) {
  return { run: null, folder: snapshotsFolder(), status, ...counts }
}
