/** Where cells stand in a notebook: at its end, unless they take the place of others or are put somewhere. */

interface PlacedCell {
  readonly cell: string
  readonly session: string | null
  readonly hidden: boolean
  readonly supersedes: string | null
  supersededBy: string | null
  version: number
}

interface PlacedCells {
  /** Keys of `cells`. */
  order: string[]
  readonly cells: Readonly<Record<string, PlacedCell>>
}

/** Not a name that plain objects have already, since it holds a slash. */
export function keyOf(session: string | null | undefined, cell: string): string {
  return `${session ?? ''}/${cell}`
}

/** Puts a new cell in its place. Of two edits of the same cell both stand after it, in their order. */
export function placeCell(state: PlacedCells, cell: PlacedCell, after: string | null | undefined): void {
  const replaced = cell.supersedes === null ? undefined : state.cells[keyOf(cell.session, cell.supersedes)]
  let at = state.order.length
  if (replaced && replaced !== cell) {
    const last = lastOf(state, replaced)
    last.supersededBy = cell.cell
    last.version += 1
    at = state.order.indexOf(keyOf(last.session, last.cell)) + 1
  } else if (after !== undefined) {
    at = placeAfter(state, cell.session, after)
  }
  state.order.splice(at, 0, keyOf(cell.session, cell.cell))
}

/** With all that it has replaced. */
export function moveCell(state: PlacedCells, moved: PlacedCell, after: string | null): void {
  const keys: string[] = []
  for (let cell: PlacedCell | undefined = moved; cell && !keys.includes(keyOf(cell.session, cell.cell));) {
    keys.unshift(keyOf(cell.session, cell.cell))
    cell = cell.supersedes === null ? undefined : state.cells[keyOf(cell.session, cell.supersedes)]
  }
  if (after !== null && keys.includes(keyOf(moved.session, after))) return
  state.order = state.order.filter((key) => !keys.includes(key))
  state.order.splice(placeAfter(state, moved.session, after), 0, ...keys)
}

/** Behind a cell and what has replaced it. Null: before all that is no set-up. */
function placeAfter(state: PlacedCells, session: string | null, after: string | null): number {
  if (after === null) {
    const first = state.order.findIndex((key) => {
      const cell = state.cells[key]
      return cell?.session === session && !cell.hidden
    })
    return first < 0 ? state.order.length : first
  }
  const cell = state.cells[keyOf(session, after)]
  const at = cell ? state.order.indexOf(keyOf(session, lastOf(state, cell).cell)) : -1
  return at < 0 ? state.order.length : at + 1
}

/** The last of those that have replaced each other. */
function lastOf(state: PlacedCells, cell: PlacedCell): PlacedCell {
  let last = cell
  const seen = new Set<PlacedCell>()
  while (last.supersededBy !== null && !seen.has(last)) {
    seen.add(last)
    last = state.cells[keyOf(last.session, last.supersededBy)] ?? last
  }
  return last
}
