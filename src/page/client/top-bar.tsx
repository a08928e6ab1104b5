/** The bar over every page. Its height is known to the rest, which scrolls beneath it. */
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import { watchTop } from './top-height.ts'
import { applyTheme, nextTheme, readTheme, type Theme } from './theme.ts'

const THEMES: Record<Theme, string> = { system: '◐', light: '☀', dark: '☾' }

export interface TopBarProps {
  readonly children?: ComponentChildren
  /** A line of its own at the bottom. */
  readonly below?: ComponentChildren
  readonly onHelp?: () => void
}

export function TopBar({ children, below, onHelp }: TopBarProps) {
  const bar = useRef<HTMLElement>(null)
  const [theme, setTheme] = useState(readTheme)
  useLayoutEffect(() => {
    return bar.current ? watchTop(bar.current) : undefined
  }, [])
  const change = () => {
    const next = nextTheme(theme)
    applyTheme(next)
    setTheme(next)
  }
  return (
    <header class="top" ref={bar}>
      <a class="brand" href="#/">
        Seer
      </a>
      <div class="icons">
        {onHelp && (
          <button type="button" class="icon" aria-label="Keys" title="Keys (?)" onClick={onHelp}>
            ?
          </button>
        )}
        <button
          type="button"
          class="icon"
          aria-label={`Colours: ${theme}`}
          title={`Colours: ${theme}`}
          onClick={change}
        >
          {THEMES[theme]}
        </button>
      </div>
      <div class="top-main">{children}</div>
      {below}
    </header>
  )
}
