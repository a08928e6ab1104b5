/** What the url of a repository means. Pure. */
import { homedir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SeerError } from '../../errors.ts'

export interface RepoSource {
  /** Its folder in the workspace. */
  readonly name: string
  /** What git is told. Whatever of a login stood in the url is not in it. */
  readonly remote: string
  /** For people and logs; of a folder its own name, since the rest of its path says something of the machine. */
  readonly shown: string
  /** What stood in the url before the host. */
  readonly login: { readonly username: string; readonly password: string } | undefined
}

const PROTOCOLS = new Set(['https:', 'http:', 'ssh:', 'git:', 'git+ssh:', 'ssh+git:'])
const folderName = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/
const ofGitHub = /^[A-Za-z0-9][A-Za-z0-9-]*\/[A-Za-z0-9._-]+$/
/** `git@host:path`, as ssh has it. */
const likeScp = /^([A-Za-z0-9._-]+@)?[A-Za-z0-9.-]+:(?![:/]{2})[^\s:]/

const SUCH_AS = 'Such as "https://host/user/repo", "git@host:user/repo.git", "./folder", or "user/repo" of GitHub.'
/** Of what follows the path all would be recorded. */
const NO_QUERY =
  "A token does not belong there: give it to git's credential helper (`git credential approve`), which is asked when the host wants a login."

/** Throws `repo-url`; `at` says where the url stands. */
export function sourceOfRepo(url: string, at = 'repos'): RepoSource {
  const { path, ...named } = read(url.trim(), at)
  const name = basename(path.replace(/(\/\.git)?\/*$/, ''), '.git')
  if (folderName.test(name)) return { name, ...named, shown: named.shown ?? name }
  const why = `its last part (${JSON.stringify(name)}) cannot be the name of a folder in the workspace`
  throw refused(at, named.shown ?? url, why)
}

interface Read extends Pick<RepoSource, 'remote' | 'login'> {
  readonly shown: string | undefined
  readonly path: string
}

function read(url: string, at: string): Read {
  if (/^-|[\s\p{Cc}]/u.test(url)) throw refused(at, url, 'it begins with "-" or holds a space')
  if (/^(\/|\.\.?(\/|$))/.test(url)) return folder(resolve(url))
  if (/^~(\/|$)/.test(url)) return folder(join(homedir(), url.slice(1)))
  const isAddress = URL.canParse(url) && PROTOCOLS.has(new URL(url).protocol)
  if (isAddress && /[?#]/.test(url)) throw refused(at, url, 'it goes on with "?" or "#"', NO_QUERY)
  if (ofGitHub.test(url)) return withoutLogin(new URL(`https://github.com/${url}`))
  try {
    if (url.startsWith('file://')) return folder(fileURLToPath(url))
    if (isAddress) return withoutLogin(new URL(url))
  } catch {
    throw refused(at, url, 'what a "%" in it stands for is no text')
  }
  if (likeScp.test(url)) return { remote: url, shown: url, login: undefined, path: url.slice(url.indexOf(':') + 1) }
  throw refused(at, url, 'git is asked for https, http, ssh, git, a folder, or user/repo of GitHub')
}

function folder(path: string): Read {
  return { remote: path, shown: undefined, login: undefined, path }
}

/** The user of an ssh url is no secret, and belongs to the address. */
function withoutLogin(url: URL): Read {
  const shown = new URL(url)
  const isSsh = url.protocol.includes('ssh')
  shown.password = ''
  if (!isSsh) shown.username = ''
  const remote = shown.href.replace(/\/+$/, '')
  const [username, password] = [url.username, url.password].map(decodeURIComponent) as [string, string]
  // Git is told of a login in lines.
  if (/\p{Cc}/u.test(username + password)) throw new URIError('a control character')
  const hasLogin = !isSsh && (username !== '' || password !== '')
  const login = hasLogin ? { username, password } : undefined
  return { remote, shown: shown.href.replace(/\/+$/, ''), login, path: url.pathname }
}

function refused(at: string, url: string, why: string, hint = SUCH_AS): SeerError {
  const shown = url.replace(/\/\/[^/]*@/, '//').replace(/[?#].*/s, '')
  return new SeerError('repo-url', {
    message: `${at}.url: ${JSON.stringify(shown)} cannot be cloned: ${why}.`,
    hint,
  })
}

/** For what is written down: the same repositories without what is only for git. */
export function withoutLogins<C extends { readonly repos: readonly { readonly url: string }[] }>(config: C): C {
  return { ...config, repos: config.repos.map((repo) => ({ ...repo, url: sourceOfRepo(repo.url).remote })) }
}
