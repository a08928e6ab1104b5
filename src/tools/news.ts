/** What others did in a notebook since one of its authors was told of it the last time. */
import type { By } from '../run/events.ts'
import type { CellFacts, Notebook } from './notebook.ts'

const MAX_CELLS = 10
const MAX_CODE_CHARS = 300

export interface News {
  /** Somebody begins to work: what was there before is not news. */
  readonly begin: (by: By) => void
  /** Somebody has done something that is no cell: what follows their name. */
  readonly did: (by: By, deed: string) => void
  /** Somebody has stopped a cell of another. */
  readonly interrupted: (by: By, cell: string, author: By) => void
  /** Undefined where there is nothing new. What is told is not told again. */
  readonly take: (by: By) => string | undefined
}

interface Known {
  /** So many cells: later ones are new. */
  upTo: number
  /** Told as running. */
  readonly running: Set<string>
  /** What else others did, each once. */
  readonly deeds: Set<string>
}

/** What it costs does not grow with the notebook. */
export function openNews(notebook: Pick<Notebook, 'cell' | 'begun'>): News {
  const knownBy = new Map<By, Known>()

  function newsFor(by: By, known: Known): string[] {
    const cells = [...known.running, ...notebook.begun().slice(known.upTo)]
      .flatMap((id) => {
        const facts = notebook.cell(id)
        return facts && isOfAnother(facts, by) ? [{ id, facts, isBegun: known.running.has(id) }] : []
      })
      .filter(({ facts, isBegun }) => !isBegun || facts.status !== 'running')
    for (const { id, facts } of cells) {
      if (facts.status === 'running') known.running.add(id)
      else known.running.delete(id)
    }
    const told = cells.slice(-MAX_CELLS)
    const before = cells.length - told.length
    return [
      ...known.deeds,
      ...(before === 0 ? [] : [`- ${before} cells before these.`]),
      ...told.map(({ id, facts, isBegun }) =>
        isBegun ? `- ${id} has ended: ${statusOf(facts)}.` : cellText(id, facts),
      ),
    ]
  }

  return {
    begin(by) {
      if (!knownBy.has(by)) knownBy.set(by, { upTo: notebook.begun().length, running: new Set(), deeds: new Set() })
    },
    did(by, deed) {
      for (const [one, known] of knownBy) if (one !== by) known.deeds.add(`- ${nameOf(by)} ${deed}.`)
    },
    interrupted(by, cell, author) {
      if (author !== by) knownBy.get(author)?.deeds.add(`- ${nameOf(by)} interrupted your cell ${cell}.`)
    },
    take(by) {
      const known = knownBy.get(by)
      if (!known) return undefined
      const lines = newsFor(by, known)
      known.upTo = notebook.begun().length
      known.deeds.clear()
      if (lines.length === 0) return undefined
      return [
        'Others have worked in this notebook since your last call (`read_output` tells what a cell printed):',
        ...lines,
      ].join('\n')
    },
  }
}

/** Set-up is Seer's own, also when it runs again. */
function isOfAnother({ by, hidden }: CellFacts, own: By): boolean {
  return by !== own && by !== 'setup' && by !== 'system' && !hidden
}

function cellText(id: string, facts: CellFacts): string {
  const text =
    facts.source.length > MAX_CODE_CHARS ? `${facts.source.slice(0, MAX_CODE_CHARS).toWellFormed()}…` : facts.source
  const about = facts.kind === 'markdown' ? 'a text' : statusOf(facts)
  const indented = text
    .trim()
    .split('\n')
    .map((line) => `    ${line}`)
  const place = facts.supersedes === null ? '' : `, in the place of ${facts.supersedes}`
  return [`- ${id}, by ${nameOf(facts.by)} (${about})${place}:`, ...indented].join('\n')
}

function statusOf({ status }: CellFacts): string {
  return status === 'running' ? 'still running' : (status ?? 'unknown')
}

function nameOf(by: By): string {
  return by === 'researcher' ? 'the researcher' : by.replace('agent:', '')
}
