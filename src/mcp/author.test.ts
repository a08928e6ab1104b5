import { expect, test } from 'vitest'
import { bySchema } from '../run/events.ts'
import { authorOf } from './author.ts'

test.each([
  ['claude-code', 'agent:claude-code'],
  ['Claude Code', 'agent:claude-code'],
  ['  MCP Inspector (v2) ', 'agent:mcp-inspector-v2'],
  ['Système', 'agent:systeme'],
  ['a\u0000\u001b[2Jb\n', 'agent:a-2jb'],
  ['agent:researcher', 'agent:agent-researcher'],
  ['__proto__', 'agent:proto'],
  ['-'.repeat(300), 'agent:outside'],
  ['\ud800', 'agent:outside'],
  ['研究', 'agent:outside'],
  ['', 'agent:outside'],
  [undefined, 'agent:outside'],
  [`${'x'.repeat(39)} y`, `agent:${'x'.repeat(39)}`],
  ['x'.repeat(100_000), `agent:${'x'.repeat(40)}`],
])('%j is %s', (client, by) => {
  expect(authorOf(client, [])).toBe(by)
  expect(bySchema.safeParse(by).success).toBe(true)
})

test('nobody passes for an agent of the run', () => {
  expect(authorOf('Investigator', ['agent:investigator', 'agent:judge'])).toBe('agent:investigator-outside')
  expect(authorOf('other', ['agent:investigator'])).toBe('agent:other')
})
