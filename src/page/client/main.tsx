/** The page's entry. */
import { render } from 'preact'
import { App } from './app.tsx'
import { applyTheme, readTheme } from './theme.ts'

// `/?run=ID` names a run without the part of the address that a server never sees.
const asked = new URLSearchParams(location.search).get('run')
if (asked !== null) history.replaceState(null, '', `/#/run/${encodeURIComponent(asked)}`)

applyTheme(readTheme())
const place = document.getElementById('page')
if (place) render(<App />, place)
