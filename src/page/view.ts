/** What every component may need to know of the document that it stands in: the page, or a report. */

export interface View {
  /** Where the bytes of an artifact are; `name` is what a download is called. */
  artifactUrl(sha256: string, name?: string): string
  /** A link to a cell. */
  cellHref(session: string | null, cell: string): string
  /** Opened or closed by hand; undefined: as it begins. */
  isOpen(id: string): boolean | undefined
  /** Absent in a document without scripts: there the browser's own `<details>` does it. */
  onToggle?: (id: string, open: boolean) => void
  /** Draws also what is folded away, for documents that draw only once. */
  readonly eager: boolean
  /** The run's own agents: where there is one, its cells go without its name. */
  readonly agents?: readonly string[]
  /** Nobody writes to the log any more: what runs by its last word does not run now. */
  readonly ended?: boolean
  /** The time by the clock of the run, for what is still running. */
  readonly nowMs?: number
  /** Pixels of an image that was seen before, so that its place is kept. */
  sizeOf?: (url: string) => { width: number; height: number } | undefined
  onImage?: (url: string, width: number, height: number) => void
  /** Shows a figure large. */
  onFigure?: (url: string, alt: string) => void
}

export function anchorId(session: string | null, cell: string): string {
  return `cell-${session ?? 'none'}-${cell}`.toWellFormed()
}
