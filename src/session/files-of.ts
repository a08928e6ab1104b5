/** The files of a sandbox's workspace, as tools see them: without Seer's own, and with secrets hidden. */
import type { Sandbox } from '../environment/sandbox.ts'
import { isOwnFile } from '../environment/snapshot/own-files.ts'
import type { TreeEntry } from '../sandbox/backend.ts'
import type { WorkspaceFiles } from '../tools/file-tools.ts'

export function filesOf(sandbox: Sandbox): WorkspaceFiles {
  const { redactor } = sandbox.run
  return {
    readFile: async (path, maxBytes) => redactor.bytes(await sandbox.readFile(path, { maxBytes })),
    writeFile: (path, bytes) => sandbox.writeFile(path, bytes),
    listFiles: (path, signal) => filesAt(sandbox, path, signal),
  }
}

async function* filesAt(sandbox: Sandbox, path: string, signal: AbortSignal): AsyncGenerator<TreeEntry> {
  // Packages that the agent has installed are many, and nobody looks for them so.
  const isShown = (found: string) => !isOwnFile(found) && !/^\.packages(\/|$)/.test(found)
  for await (const entry of sandbox.entries(path, { signal })) if (isShown(entry.path)) yield entry
}
