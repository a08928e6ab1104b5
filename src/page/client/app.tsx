/** Which page is shown. */
import { useEffect, useState } from 'preact/hooks'
import { ListPage } from './list-page.tsx'
import { parseRoute } from './route.ts'
import { RunPage } from './run-page.tsx'

export function App() {
  const [route, setRoute] = useState(() => parseRoute(location.hash))
  useEffect(() => {
    const listen = () => setRoute(parseRoute(location.hash))
    window.addEventListener('hashchange', listen)
    return () => window.removeEventListener('hashchange', listen)
  }, [])
  return route.page === 'runs' ? <ListPage /> : <RunPage key={route.id} id={route.id} anchor={route.anchor} />
}
