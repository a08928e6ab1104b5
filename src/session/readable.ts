import type { Sandbox } from '../environment/sandbox.ts'
import type { Readable, WorkspaceFile } from '../mcp/resources.ts'
import type { Notebook } from '../tools/notebook.ts'

/** Packages that the agent installed may be many thousand files: neither they nor what Python compiled is listed. */
const UNLISTED = /(^|\/)(__pycache__|\.(?!claude\/)[^/]*)\//
const MAX_LOOKED_AT = 20_000

/** What a client can read of a session: the notebook of its sandbox, and the files of the workspace. */
export function readableOf(sandbox: Sandbox, notebook: Notebook): Readable {
  return {
    notebook: () => sandbox.run.notebookOf(sandbox.sandboxId),
    files: (signal) => listed(sandbox, signal),
    readFile: (path, maxBytes) => notebook.readFile(path, maxBytes),
  }
}

async function* listed(sandbox: Sandbox, signal: AbortSignal): AsyncGenerator<WorkspaceFile> {
  let lookedAt = 0
  for await (const entry of sandbox.entries('', { signal })) {
    if (++lookedAt > MAX_LOOKED_AT) return
    if (entry.kind === 'file' && !UNLISTED.test(entry.path)) yield { path: entry.path, bytes: entry.bytes }
  }
}
