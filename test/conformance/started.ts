/** A sandbox with a run of its own, and what the checks ask of both. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sandbox } from '../../src/environment/sandbox.ts'
import { Run } from '../../src/run/run.ts'
import { createNotebookSession, type NotebookSession } from '../../src/session/notebook-session.ts'
import { Workspace } from '../../src/workspace/workspace.ts'
import { START } from '../fixtures/memory-run.ts'
import { logOf, type LogFacts } from '../fixtures/run-folder.ts'

export interface Started extends AsyncDisposable {
  readonly sandbox: Sandbox
  readonly run: Run
  /** A notebook in it, opened at the first call. */
  readonly session: () => Promise<NotebookSession>
  /** What a cell printed, trimmed; throws where it did not end well. */
  readonly says: (code: string) => Promise<string>
  readonly log: () => Promise<LogFacts>
  /** Ends the run, not the sandbox. */
  readonly end: () => Promise<void>
}

export function openRun(confined: boolean): Run {
  return Run.create(mkdtempSync(join(tmpdir(), 'seer-conformance-')), {
    ...START,
    confinement: confined ? 'bubblewrap' : 'none',
  })
}

export function started(sandbox: Sandbox, run: Run): Started {
  let session: Promise<NotebookSession> | undefined
  const open = () => (session ??= createNotebookSession(sandbox, new Workspace({ preloadModels: false })))
  return {
    sandbox,
    run,
    session: open,
    async says(code) {
      const { status, text } = await (await open()).exec(code)
      if (status !== 'ok') throw new Error(`the cell ended with ${status}: ${text}`)
      return text.trim()
    },
    log: () => logOf(run.folder),
    end: () => endRun(run),
    async [Symbol.asyncDispose]() {
      await sandbox.terminate()
      await endRun(run)
    },
  }
}

export async function endRun(run: Run): Promise<void> {
  await run.end('completed')
  rmSync(run.folder, { recursive: true, force: true })
}

/** The same, for what cannot wait. */
export function endRunNow(run: Run): void {
  run.endNow('completed')
  rmSync(run.folder, { recursive: true, force: true })
}

/** What must not hang: the result, or an error that says how long was waited. */
export async function within<T>(seconds: number, what: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`not within ${seconds} s`)), seconds * 1000)
  try {
    return await Promise.race([what, late.promise])
  } finally {
    clearTimeout(timer)
  }
}

/** The code with which it fails; `none` where it does not. */
export async function codeOf(what: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof what === 'function' ? what() : what)
    return 'none'
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  }
}
