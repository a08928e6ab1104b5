/** Each method and property of a running sandbox, to be asked of one that does not run. A check holds that none is missing. */
import type { Sandbox } from '../../src/environment/sandbox.ts'

/** What can be asked for at any time, or is not there yet. */
export const ALWAYS = ['constructor', 'start', 'terminate', 'codeServerUrl', 'jupyterUrl']

export const METHODS: Readonly<Record<string, (sandbox: Sandbox) => Promise<unknown>>> = {
  readFile: (sandbox) => sandbox.readFile('file'),
  writeFile: (sandbox) => sandbox.writeFile('file', 'text'),
  entries: (sandbox) => Promise.resolve().then(() => Array.fromAsync(sandbox.entries())),
  ensureDir: (sandbox) => sandbox.ensureDir('folder'),
  upload: (sandbox) => sandbox.upload(import.meta.filename, 'uploaded'),
  download: (sandbox) => sandbox.download('file', '/nonexistent/downloaded'),
  exec: (sandbox) => sandbox.exec('true'),
  execPython: (sandbox) => sandbox.execPython('pass'),
  spawn: (sandbox) => sandbox.spawn('true'),
  startStream: (sandbox) => sandbox.startStream(['true'], { purpose: 'test' }),
  snapshot: (sandbox) => sandbox.snapshot('name'),
  newSessionId: (sandbox) => Promise.resolve().then(() => sandbox.newSessionId()),
  startProcess: (sandbox) => sandbox.startProcess({ argv: ['true'], purpose: 'test' }),
  forwardPort: (sandbox) => sandbox.forwardPort({ from: sandbox, port: 8123, to: 8124 }),
  detach: (sandbox) => sandbox.detach(),
}

export const PROPERTIES: Readonly<Record<string, (sandbox: Sandbox) => unknown>> = {
  sandboxId: (sandbox) => sandbox.sandboxId,
  workspacePath: (sandbox) => sandbox.workspacePath,
  modelHandles: (sandbox) => sandbox.modelHandles,
  repoHandles: (sandbox) => sandbox.repoHandles,
  gpus: (sandbox) => sandbox.gpus,
  run: (sandbox) => sandbox.run,
  python: (sandbox) => sandbox.python,
  connection: (sandbox) => sandbox.connection,
  restored: (sandbox) => sandbox.restored,
  journal: (sandbox) => sandbox.journal,
  streams: (sandbox) => sandbox.streams,
  bootInside: (sandbox) => sandbox.bootInside,
  sessionIds: (sandbox) => sandbox.sessionIds,
  sessions: (sandbox) => sandbox.sessions,
  modelNames: (sandbox) => sandbox.modelNames,
}
