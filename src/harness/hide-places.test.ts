import { expect, test } from 'vitest'
import type { RunEvent } from '../run/events.ts'
import { hidePlaces, placesOf } from './hide-places.ts'

const start = (workspacePath: string, attach: object) =>
  ({ type: 'sandbox-start', confinement: 'none', workspacePath, attach }) as RunEvent

test('the folders of sandbox and environment are named, wherever they stand', () => {
  const places = placesOf([start('/home/me/s/sb-1/workspace', { python: '/home/me/.cache/env/abc/bin/python' })])
  const text = 'File /home/me/s/sb-1/workspace/libraries/a.py, then /home/me/.cache/env/abc/lib/torch/x.py'
  const hidden = 'File <workspace>/libraries/a.py, then <environment>/lib/torch/x.py'
  expect(hidePlaces({ a: [text, 1, null], b: { c: text } }, places)).toEqual({ a: [hidden, 1, null], b: { c: hidden } })
})

test('a short path, which would be found in other texts, and a missing interpreter change nothing', () => {
  expect(hidePlaces('a /w b', placesOf([start('/w', { python: '/bin/python' })]))).toBe('a /w b')
  expect(placesOf([start('/home/me/w', {})])).toEqual([['/home/me/w', '<workspace>']])
})

test('a confined sandbox: its own names for both, and the machine’s', () => {
  const confined = {
    ...start('/workspace', { python: '/home/me/.cache/env/abc/bin/python' }),
    confinement: 'bubblewrap',
  }
  const text = 'File /workspace/a.py, /opt/environment/lib/torch/x.py, /home/me/.cache/env/abc/lib/y.py'
  expect(hidePlaces(text, placesOf([confined as RunEvent]))).toBe(
    'File <workspace>/a.py, <environment>/lib/torch/x.py, <environment>/lib/y.py',
  )
})
