/** Light or dark: as the system says, until the reader says otherwise. */

export type Theme = 'system' | 'light' | 'dark'

const KEY = 'seer-theme'
const NEXT: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }

export function readTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY)
    return kept === 'light' || kept === 'dark' ? kept : 'system'
  } catch {
    return 'system'
  }
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset['theme'] = theme
  try {
    localStorage.setItem(KEY, theme)
  } catch {
    // It holds until the page is loaded again.
  }
}

export function nextTheme(theme: Theme): Theme {
  return NEXT[theme]
}
