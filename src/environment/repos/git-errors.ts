/** What git says when it fails, as an error that tells the researcher what to do. Pure. */
import { SeerError } from '../../errors.ts'
import { tail, type ToolResult } from '../run-tool.ts'
import type { RepoSource } from './repo-source.ts'

type Known = { code: string; words: RegExp; what: string; hint: (source: RepoSource) => string }

const TRY_BY_HAND = ({ remote }: RepoSource) =>
  `\`git ls-remote ${remote}\` must work on this machine without asking: set up a credential helper or an ssh key.`

/** The first that fits: a refused login also says that it could not read. */
const KNOWN: readonly Known[] = [
  {
    code: 'repo-refused',
    words: /Host key verification failed/,
    what: 'its host is not known to ssh here',
    hint: ({ remote }) => `Run \`git ls-remote ${remote}\` once by hand and look at the key before you accept it.`,
  },
  {
    code: 'repo-refused',
    words: /could not read (Username|Password)|terminal prompts disabled|Authentication failed|Permission denied \(/i,
    what: 'it asks for a login that git does not have here, or it does not exist',
    hint: TRY_BY_HAND,
  },
  {
    code: 'repo-refused',
    words: /returned error: 40[13]|access denied|not authorized/i,
    what: 'its host refuses the login that git has here',
    hint: TRY_BY_HAND,
  },
  {
    code: 'repo-refused',
    words: /dubious ownership/,
    what: 'its folder belongs to another user, and git does not read it',
    hint: ({ remote }) => `If you trust it: git config --global --add safe.directory ${remote}`,
  },
  {
    code: 'repo-missing',
    words:
      /repository '.*' not found|Repository not found|does not appear to be a git repository|not a git repository/i,
    what: 'there is no git repository, or none that this login may see',
    hint: TRY_BY_HAND,
  },
  {
    code: 'repo-unreachable',
    words:
      /could not resolve host|failed to connect|unable to access|connection (timed out|refused|reset|closed)|network is unreachable|no route to host|name or service not known|name resolution|early EOF|hung up unexpectedly|could not read from remote/i,
    what: 'it cannot be reached',
    hint: () => 'Check the network. A full commit as `ref` that was fetched before needs none.',
  },
]

export function gitFailure(source: RepoSource, doing: string, { exitCode, stderr }: ToolResult): SeerError {
  // The other side's words are in it.
  const said = tail(stderr.replaceAll(/[^\P{Cc}\n\t]/gu, ''), 6).replaceAll(/^/gm, '    ')
  const known = KNOWN.find(({ words }) => words.test(stderr))
  if (known) {
    return new SeerError(known.code, {
      message: `The repository ${source.shown} cannot be had: ${known.what}.\n${said}`,
      hint: known.hint(source),
    })
  }
  return new SeerError('repo-failed', {
    message: `git ended with ${exitCode ?? 'a signal'} while ${doing} ${source.shown}:\n${said}`,
  })
}

/** What a fetch that was cut short can leave behind, or a disk. The copy in the cache is made anew then. */
export function isBrokenCopy({ stderr }: ToolResult): boolean {
  return /\.lock': File exists|object file .* is empty|loose object .* is corrupt|bad object|inflate|packfile .* (cannot|does not)|unable to read tree|not a git repository: '?\.|invalid sha1 pointer/i.test(
    stderr,
  )
}
