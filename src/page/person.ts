/** Who speaks or acts, as the page names them. */
import type { By } from '../run/events.ts'

export type Role = 'agent' | 'researcher' | 'seer'

export function roleOf(by: By): Role {
  if (by === 'researcher') return 'researcher'
  return by.startsWith('agent:') ? 'agent' : 'seer'
}

export function nameOf(by: By): string {
  if (by === 'researcher') return 'Researcher'
  return by.startsWith('agent:') ? by.slice('agent:'.length) : 'Seer'
}
