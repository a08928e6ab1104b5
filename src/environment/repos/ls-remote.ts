/** What `git ls-remote --symref` is asked, and what it answers. Pure. */

/** Git takes them as endings, so an answer may hold more than was asked for. */
export function wantedNames(ref: string | undefined): string[] {
  if (ref === undefined) return ['HEAD']
  return ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`]
}

export interface Answer {
  /** Of a commit, or of a tag that leads to one. */
  readonly id: string
  /** The branch that the repository calls its own; only where no name was asked for. */
  readonly branch?: string
}

/** Undefined where there is nothing of that name. A branch goes before a tag, as for `git clone --branch`. */
export function parseAnswer(stdout: string, ref: string | undefined): Answer | undefined {
  const ids = new Map<string, string>()
  let branch: string | undefined
  for (const line of stdout.split('\n')) {
    const [left = '', name = ''] = line.split('\t')
    if (left.startsWith('ref: ')) {
      if (name === 'HEAD') branch = left.slice('ref: refs/heads/'.length)
    } else if (/^[0-9a-f]{40,64}$/.test(left)) ids.set(name, left)
  }
  const name = wantedNames(ref).find((wanted) => ids.has(wanted))
  if (name === undefined) return undefined
  return { id: ids.get(name)!, ...(ref === undefined && branch !== undefined ? { branch } : {}) }
}
