/** Before anything is started: the commit that a repository is to be taken at, and its files on this machine. */
import { SeerError } from '../../errors.ts'
import { startStep, type SetupContext, type Step } from '../progress.ts'
import { gitFailure } from './git-errors.ts'
import { requireGit } from './git.ts'
import { withMirror, type Asked, type Mirror } from './mirror.ts'
import { parseAnswer, wantedNames, type Answer } from './ls-remote.ts'
import type { ParsedRepoConfig } from './repo-config.ts'
import { refMissing, refUnknownOffline, repoEmpty } from './repo-errors.ts'
import { leftOut } from './left-out.ts'
import { sourceOfRepo, type RepoSource } from './repo-source.ts'
import { readTree } from './tree.ts'

export interface FetchedRepo {
  readonly source: RepoSource
  /** As it was asked for, or the repository's own branch. */
  readonly ref: string
  readonly commit: string
  readonly install: string | undefined
  /** For the researcher: what of it will not be there, or is old. */
  readonly notices: readonly string[]
}

const FULL_COMMIT = /^([0-9a-f]{40}|[0-9a-f]{64})$/
/** Or the beginning of one. */
const SHORT_COMMIT = /^[0-9a-f]{7,64}$/
const PROGRESS = /^(?:remote: )?((?:Counting|Compressing|Receiving|Resolving) [^\p{Cc}]*)$/u
const ALL = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*', '--prune']

/** One after the other: each may ask for the whole network. Throws a SeerError that says what to do. */
export async function fetchRepos(repos: readonly ParsedRepoConfig[], context: SetupContext): Promise<FetchedRepo[]> {
  if (repos.length > 0) await requireGit(context)
  const fetched: FetchedRepo[] = []
  for (const repo of repos) fetched.push(await fetchRepo(repo, context))
  return fetched
}

async function fetchRepo({ url, ref, install }: ParsedRepoConfig, context: SetupContext): Promise<FetchedRepo> {
  const source = sourceOfRepo(url)
  const step = startStep(context, `repository ${source.name}`)
  const onWait = (holder: string) => step.update(`${holder} is fetching it; waiting`)
  return withMirror(source, { ...context, onWait }, async (mirror) => {
    const found = await find({ source, mirror, step, ref })
    const tree = await readTree(mirror, found.commit, source)
    const notices = [...found.notices, ...(await leftOut(mirror, found.commit, source, tree))]
    step.done(`commit ${found.commit.slice(0, 12)}`)
    return { source, ref: found.ref, commit: found.commit, install, notices }
  })
}

interface Look {
  readonly source: RepoSource
  readonly mirror: Mirror
  readonly step: Step
  readonly ref: string | undefined
}
type Found = Pick<FetchedRepo, 'ref' | 'commit' | 'notices'>

async function find(look: Look): Promise<Found> {
  const { source, mirror, ref } = look
  // A commit is what it is: where it is here, nobody need be asked.
  const known = ref !== undefined && SHORT_COMMIT.test(ref) ? await commitBeginning(mirror, ref) : undefined
  if (ref !== undefined && known !== undefined) return { ref, commit: known, notices: [] }
  const result = await mirror.ask(wantedNames(ref)).catch(stalledOnly)
  if (result instanceof SeerError) return fromMemory(look, result)
  if (result.exitCode !== 0) return fromMemory(look, gitFailure(source, 'asking', result))
  const answer = parseAnswer(result.stdout, ref)
  if (ref === undefined && answer === undefined) throw repoEmpty(source)
  return takeAnswered(look, answer)
}

function stalledOnly(error: unknown): SeerError {
  if (error instanceof SeerError && error.code === 'git-stalled') return error
  throw error
}

/** Of a name that is both, a branch is meant; so only what the name of a commit begins with. */
async function commitBeginning(mirror: Mirror, ref: string): Promise<string | undefined> {
  const commit = await mirror.commitOf(ref)
  return commit?.startsWith(ref) ? commit : undefined
}

async function takeAnswered(look: Look, answer: Answer | undefined): Promise<Found> {
  const { source, mirror, step } = look
  const ref = look.ref ?? answer?.branch ?? 'HEAD'
  const isCommit = SHORT_COMMIT.test(ref)
  if (!answer && !isCommit) throw refMissing(source, ref)
  const here = () => (answer ? mirror.commitOf(answer.id) : commitBeginning(mirror, ref))
  let commit = await here()
  if (commit === undefined) {
    step.update(`fetching ${source.shown}`)
    // What else comes is the other side's own text.
    const tell = (line: string) => {
      const done = PROGRESS.exec(line)?.[1]
      if (done !== undefined) step.update(`fetching: ${done}`)
    }
    await mirror.fetch(ALL, tell)
    commit = await here()
    // What is on no branch: a pull request's, or one that a branch has left.
    const id = answer?.id ?? ref
    if (commit === undefined && FULL_COMMIT.test(id)) commit = await fetchOne(mirror, id, tell)
  }
  if (commit === undefined) throw refMissing(source, ref)
  if (answer) await mirror.remember(look.ref ?? '', { commit, ...(answer.branch ? { branch: answer.branch } : {}) })
  return { ref, commit, notices: [] }
}

async function fetchOne(mirror: Mirror, id: string, tell: (line: string) => void): Promise<string | undefined> {
  try {
    await mirror.fetch([id], tell)
  } catch {
    return undefined // the host has it no more, or gives no single commits
  }
  return mirror.commitOf(id)
}

/** With no way to the repository, the commit that the name meant when it was last asked. */
async function fromMemory({ source, mirror, ref }: Look, failure: SeerError): Promise<Found> {
  if (failure.code !== 'repo-unreachable' && failure.code !== 'git-stalled') throw failure
  const last = await mirror.remembered(ref ?? '')
  if (last === undefined || (await mirror.commitOf(last.commit)) === undefined)
    throw refUnknownOffline(source, ref, failure)
  return { ref: ref ?? last.branch ?? 'HEAD', commit: last.commit, notices: [asOf(source, ref, last)] }
}

function asOf({ shown }: RepoSource, ref: string | undefined, { at, commit }: Asked): string {
  const hours = Math.round((Date.now() - Date.parse(at)) / 3_600_000)
  const age = hours < 2 ? 'less than two hours' : hours < 48 ? `${hours} hours` : `${Math.round(hours / 24)} days`
  return `${shown} cannot be reached; ${ref ?? 'its own branch'} is taken as it was ${age} ago (commit ${commit.slice(0, 12)}).`
}
