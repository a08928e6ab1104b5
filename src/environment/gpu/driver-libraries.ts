/** The driver's libraries, where they do not lie in /usr, which a sandbox sees anyway. */
import { realpath } from 'node:fs/promises'
import type { SetupContext } from '../progress.ts'
import { runTool } from '../run-tool.ts'

/** `libcuda.so.1`, `libnvidia-ml.so.1`, `libnvidia-ptxjitcompiler.so.1` … */
const OF_DRIVER = /^lib(cuda|nvidia-[a-z0-9-]+|cudadebugger|nvcuvid)\.so(\.|$)/
const SEEN_ANYWAY = /^\/(usr|lib|lib32|lib64|libx32)\//

/** From `ldconfig -p`, which lists what programs find: one line `\tname (libc6,x86-64) => /path` each. Pure. */
export function driverLibraries(listing: string): string[] {
  const found = listing.split('\n').flatMap((line) => {
    const [, name = '', path = ''] = /^\s*(\S+) \([^)]*\) => (\/.*)$/.exec(line) ?? []
    return OF_DRIVER.test(name) && !SEEN_ANYWAY.test(path) ? [path] : []
  })
  return [...new Set(found)]
}

/** Each at the path where it is looked for, wherever its file really lies. */
export async function librariesOutside({ env = process.env, signal }: SetupContext) {
  // Not on everyone's PATH.
  const PATH = `${env['PATH'] ?? ''}:/usr/sbin:/sbin`
  const result = await runTool(['ldconfig', '-p'], { env: { ...env, PATH, LC_ALL: 'C' }, signal }).catch(
    () => undefined,
  )
  signal?.throwIfAborted()
  const paths = driverLibraries(result?.stdout ?? '')
  return Promise.all(paths.map(async (target) => ({ source: await realpath(target), target })))
}
