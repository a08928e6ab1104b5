/** What the reader opened or closed by hand, by id: it must outlive what scrolls out of sight. */

export class OpenPlaces {
  readonly #open = new Map<string, boolean>()
  readonly #listeners = new Set<() => void>()
  /** Counts up with every change. */
  version = 0

  isOpen(id: string): boolean | undefined {
    return this.#open.get(id)
  }

  set(id: string, open: boolean): void {
    if (this.#open.get(id) === open) return
    this.#open.set(id, open)
    this.version += 1
    for (const listener of this.#listeners) listener()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
