import { SeerError } from '../../errors.ts'
import { neutralise } from '../../notebook/terminal-text.ts'
import type { ProcessEnd } from '../exec/sandbox-process.ts'
import { tail } from '../run-tool.ts'
import type { RepoSource } from './repo-source.ts'

export function repoEmpty({ shown }: RepoSource): SeerError {
  return new SeerError('repo-empty', { message: `The repository ${shown} is empty: it has no commit to take.` })
}

export function refMissing({ shown }: RepoSource, ref: string): SeerError {
  return new SeerError('repo-ref', {
    message: `The repository ${shown} has no branch, tag or commit "${ref}".`,
    hint: 'Write it as `git ls-remote` has it, or leave `ref` out for its own branch.',
  })
}

export function refUnknownOffline({ shown }: RepoSource, ref: string | undefined, cause: SeerError): SeerError {
  return new SeerError('repo-unreachable', {
    message: `${cause.message}\nNothing in the cache says what ${ref ?? 'its own branch'} of ${shown} is.`,
    ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    cause,
  })
}

const SHOWN_LINES = 15
const NOTHING_FETCHED =
  /no matching distribution|could not find a version|temporary failure|network is unreachable|could not resolve host|name or service not known|connection (refused|error)|failed to establish/i
/** A build tool that pip would have fetched, or a package that the repository needs. */
const NO_MODULE = /(?:No module named|Cannot import) '([\w.]+)'/

interface Install {
  readonly name: string
  readonly install: string
  readonly isOffline: boolean
}

export function installFailed({ name, install, isOffline }: Install, end: ProcessEnd): SeerError {
  const { exitCode, signal, because, stdout, stderr } = end
  const how = exitCode === null ? `was ended by ${signal ?? 'something unknown'}` : `ended with exit code ${exitCode}`
  const both = [stdout, stderr].map((text) => text.trim()).filter((text) => text !== '')
  const said = neutralise(both.join('\n').replaceAll('\r', '\n'))
  const module = NO_MODULE.exec(said)?.[1]
  const packages = module === undefined ? 'what it needs' : `the package of \`${module}\``
  const hint =
    isOffline && (module !== undefined || NOTHING_FETCHED.test(said))
      ? `This sandbox has no network. Name ${packages} in \`pythonPackages\`, which are fetched before it starts, or the hosts that it needs in \`network\`.`
      : 'It was run by /bin/sh in the folder of the repository, behind the wall. The event `process-end` has more of what it printed.'
  const reason = because === undefined ? '' : ` (${because})`
  return new SeerError('repo-install', {
    message: `\`${neutralise(install)}\`, the install of ${name}, ${how}${reason}:\n${tail(said, SHOWN_LINES).replaceAll(/^/gm, '    ')}`,
    hint,
  })
}
