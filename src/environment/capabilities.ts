/** What a sandbox on this machine cannot be: said before anything starts, and never silently left out. */
import { SeerError } from '../errors.ts'

const INSTEAD =
  '`seer view` shows the run live in the browser; your own code runs in its kernel by `session.exec(code)`, commands by `sandbox.exec(command)`.'

interface Asked {
  readonly systemPackages: readonly string[]
  readonly gpu: string | null
  readonly gpuCount?: number | undefined
  readonly debug: boolean
}

/** Nothing of the machine is looked at: its GPUs are, at the start (`gpu/find-gpus.ts`). */
export function checkCapabilities({ systemPackages, gpu, gpuCount, debug }: Asked): void {
  if (systemPackages.length > 0) {
    throw new SeerError('capability-missing', {
      message: `systemPackages (${systemPackages.join(', ')}): Seer installs nothing into this machine's own system.`,
      hint: `Install them yourself (sudo apt install ${systemPackages.join(' ')}): what lies in /usr is seen in a local sandbox. Then take systemPackages out.`,
    })
  }
  if (gpu !== null && !/[a-z0-9]/i.test(gpu)) {
    throw new SeerError('invalid-options', { message: `gpu: ${JSON.stringify(gpu)} is no name of a GPU.` })
  }
  if (gpu === null && gpuCount !== undefined) {
    throw new SeerError('invalid-options', {
      message: `gpuCount: ${gpuCount} of which GPU? \`gpu\` is not given, so the sandbox has none.`,
      hint: 'Give `gpu` its name, such as "A100", or take gpuCount out.',
    })
  }
  if (debug) throw noCodeServer()
}

function noCodeServer(): SeerError {
  return new SeerError('capability-missing', {
    message:
      'debug: VS Code in the browser is not to be had. Its server (code-server, of npm) does not install from npm alone: it compiles parts of itself against system ' +
      'libraries, and fetches others from hosts that are no package registry.',
    hint: `Take debug out. ${INSTEAD}`,
  })
}

/** For names of the framework that Seer replaces, whose thing is not there. */
export function notYet(name: 'codeServerUrl' | 'jupyterUrl'): SeerError {
  const what = { codeServerUrl: 'VS Code', jupyterUrl: 'JupyterLab' }[name]
  const ofSession = '`await session.jupyterUrl` is JupyterLab on a session in it.'
  const hint = name === 'jupyterUrl' ? ofSession : INSTEAD
  return new SeerError('not-yet', { message: `${name}: a sandbox has no ${what} yet.`, hint })
}
