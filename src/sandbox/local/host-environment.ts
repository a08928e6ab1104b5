/**
 * What a host process gets of this process's environment: where to find programs and folders. No key and no token: the host needs
 * none, and it is the neighbour of the agent's code.
 */
const NAMES = [
  'PATH',
  'HOME',
  'LANG',
  'LC_ALL',
  'TMPDIR',
  'USER',
  'LOGNAME',
  'XDG_STATE_HOME',
  'XDG_RUNTIME_DIR',
  'SEER_CACHE',
]

export function hostEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(NAMES.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}
