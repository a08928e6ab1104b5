/** Opens all that is folded in an element, or closes all when all is open. */
import type { OpenPlaces } from './open-places.ts'

export function toggleFolds(element: Element, places: OpenPlaces): void {
  const folds = [...element.querySelectorAll<HTMLElement>('[data-open-id]')]
  const isOpen = (fold: HTMLElement) =>
    fold instanceof HTMLDetailsElement ? fold.open : fold.dataset['isOpen'] === 'true'
  const open = folds.some((fold) => !isOpen(fold))
  for (const fold of folds) places.set(fold.dataset['openId'] ?? '', open)
}
