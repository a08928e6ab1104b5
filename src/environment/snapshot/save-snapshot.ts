/** Saves a sandbox's files and what was run in it. Made beside its place and renamed there last: a snapshot is whole or not there. */
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, SeerError } from '../../errors.ts'
import { runCellsFold, type RunCells } from '../../run/fold-replay.ts'
import { readLog } from '../../run/log-reader.ts'
import type { Run } from '../../run/run.ts'
import { SEER_VERSION } from '../../run/version.ts'
import { MAX_BYTES, MAX_ENTRIES, type TreeLimits } from '../files/limits.ts'
import { treesOf } from '../files/machine-trees.ts'
import { writeJsonFile } from '../json-file.ts'
import type { ModelHandle, WeightFacts } from '../models/model-handle.ts'
import { syncFileSystem } from '../run-tool.ts'
import type { RunningSandbox } from '../running-sandbox.ts'
import type { SandboxFacts } from '../sandbox-file.ts'
import { collectFiles } from './collect-files.ts'
import { BLOBS_FOLDER, digestOf, SNAPSHOT_FILE, type Snapshot, type SnapshotRecord } from './snapshot.ts'
import { tellBegunBefore, tellIncomplete } from './tell.ts'
import { removeUnfinished, snapshotsFolder, unfinishedFolder } from './store.ts'
import { snapshotOf } from './open-snapshot.ts'

const MAX_NAME_CHARS = 200

/** What is asked of a sandbox. */
interface Source extends Pick<RunningSandbox, 'id' | 'machine' | 'modelHandles'> {
  readonly use: { readonly run: Run }
  readonly facts: {
    readonly environment: SandboxFacts['environment']
    readonly config: { readonly secrets: readonly string[] }
  }
}

/** Code may run meanwhile: each file is of one moment, and all of them are not. */
export async function saveSnapshot(sandbox: Source, name: string, options: TreeLimits = {}): Promise<Snapshot> {
  const { run } = sandbox.use
  if (name.trim() === '' || name.length > MAX_NAME_CHARS)
    throw new SeerError('invalid-options', { message: `A snapshot's name has 1 to ${MAX_NAME_CHARS} characters.` })
  const { maxBytes = MAX_BYTES, maxFiles = MAX_ENTRIES, signal = run.signal } = options
  const { libraries, cells, begunBefore } = await runCells(run, sandbox.id)
  const building = newBuilding()
  try {
    const { redactor } = run
    const hasSecrets = sandbox.facts.config.secrets.length > 0
    const storing = { blobs: join(building, BLOBS_FOLDER), redactor, hasSecrets }
    const limits = { maxBytes, maxFiles, signal, libraries }
    const { files, skipped } = await collectFiles(treesOf(sandbox.machine), { ...storing, ...limits })
    const id = `sn-${randomBytes(5).toString('hex')}`
    const record = recordOf(sandbox, { id, name: redactor.text(name), files, skipped, cells })
    await publish(building, join(snapshotsFolder(), id), record)
    const snapshot = snapshotOf(join(snapshotsFolder(), id), record)
    const said = { snapshot: id, name: record.name, files: snapshot.files, bytes: snapshot.bytes }
    run.emit({ type: 'snapshot-save', by: 'system', sandbox: sandbox.id, ...said })
    tellIncomplete(run, sandbox.id, record)
    tellBegunBefore(run, sandbox.id, begunBefore)
    return snapshot
  } catch (error) {
    rmSync(building, { recursive: true, force: true })
    throw asDiskFull(error)
  }
}

function newBuilding(): string {
  try {
    mkdirSync(snapshotsFolder(), { recursive: true, mode: 0o700 })
    removeUnfinished()
    const building = unfinishedFolder()
    mkdirSync(join(building, BLOBS_FOLDER), { recursive: true, mode: 0o700 })
    return building
  } catch (error) {
    throw asDiskFull(error)
  }
}

async function runCells(run: Run, sandbox: string): Promise<RunCells> {
  const ran = runCellsFold(sandbox)
  let state = ran.initial()
  for await (const line of readLog(join(run.folder, 'events.jsonl')))
    if (line.kind !== 'problem') state = ran.step(state, line.event)
  return state
}

function recordOf(
  { id, use: { run }, facts, modelHandles }: Source,
  made: Pick<SnapshotRecord, 'id' | 'name' | 'files' | 'skipped' | 'cells'>,
): SnapshotRecord {
  const lock = lockText(facts.environment.lock, run)
  const { experiment, seed } = run.start
  return {
    format: 1,
    ...made,
    createdAt: new Date().toISOString(),
    seer: SEER_VERSION,
    run: run.id,
    sandbox: id,
    experiment,
    seed,
    environment: { id: facts.environment.id, lockSha256: createHash('sha256').update(lock).digest('hex'), lock },
    models: modelHandles.map(modelOf),
    secrets: [...facts.config.secrets],
  }
}

/** The environment may have been removed from the cache; the run keeps a copy. */
function lockText(lock: string, run: Run): string {
  for (const path of [lock, join(run.folder, 'source', 'env.lock')]) {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      continue
    }
  }
  return ''
}

function modelOf({ varName, base, ...own }: ModelHandle): SnapshotRecord['models'][number] {
  return { ...weightsOf(own), varName, ...(base ? { base: weightsOf(base) } : {}) }
}

function weightsOf({ name, weightsSha256, weightsHashFrom, revision }: WeightFacts) {
  return { name, weightsSha256, weightsHashFrom, ...(revision === undefined ? {} : { revision }) }
}

/** Every byte is on the disk before there is a snapshot of that id. */
async function publish(building: string, path: string, record: SnapshotRecord): Promise<void> {
  await syncFileSystem(building)
  await writeJsonFile(join(building, SNAPSHOT_FILE), { digest: digestOf(record), ...record })
  renameSync(building, path)
  const folder = openSync(snapshotsFolder(), 'r')
  try {
    fsyncSync(folder)
  } catch {
    return // not every file system can sync a folder
  } finally {
    closeSync(folder)
  }
}

function asDiskFull(error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code !== 'string' || error instanceof SeerError || !/^(ENOSPC|EDQUOT|EROFS|EACCES)$/.test(code))
    return error
  return new SeerError('snapshot-not-saved', {
    message: `The snapshot could not be written to ${snapshotsFolder()}: ${describeError(error)}. Nothing was kept of it.`,
    hint: 'Make room on that disk (`seer snapshots` lists what is there), or set XDG_STATE_HOME to a folder on another one.',
    cause: error,
  })
}
