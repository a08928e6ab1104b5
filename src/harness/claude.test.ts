import { describe, expect, it } from 'vitest'
import { claudeConnection, claudeProvider, DEFAULT_CLAUDE_MODEL, normaliseBaseURL } from './claude.ts'

describe('claudeConnection', () => {
  it.each([
    ['https://api.anthropic.com', 'https://api.anthropic.com/v1'],
    ['https://api.anthropic.com/', 'https://api.anthropic.com/v1'],
    ['https://api.anthropic.com/v1', 'https://api.anthropic.com/v1'],
    ['https://api.anthropic.com/v1//', 'https://api.anthropic.com/v1'],
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/v1'],
    ['http://host/proxy/anthropic', 'http://host/proxy/anthropic/v1'],
  ])('%s means %s', (given, meant) => {
    expect(normaliseBaseURL(given)).toBe(meant)
  })

  it.each(['127.0.0.1:8080', 'file:///x', 'nonsense'])('refuses the address %s', (given) => {
    expect(() => normaliseBaseURL(given)).toThrow(expect.objectContaining({ code: 'provider-url-invalid' }))
  })

  it('takes key and address from the environment, and what is given before that', () => {
    const env = { ANTHROPIC_API_KEY: 'from-env', ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' }
    expect(claudeConnection({}, env)).toEqual({ apiKey: 'from-env', baseURL: 'http://127.0.0.1:1/v1' })
    expect(claudeConnection({ apiKey: 'given', baseURL: 'http://127.0.0.1:2/v1' }, env)).toEqual({
      apiKey: 'given',
      baseURL: 'http://127.0.0.1:2/v1',
    })
    expect(claudeConnection({}, { ANTHROPIC_API_KEY: 'k', ANTHROPIC_BASE_URL: '' }).baseURL).toBe(
      'https://api.anthropic.com/v1',
    )
  })
})

describe('claudeProvider', () => {
  it.each([{}, { ANTHROPIC_API_KEY: '' }, { ANTHROPIC_API_KEY: ' ' }])('says that the key is missing: %j', (env) => {
    expect(() => claudeProvider({ env }).check()).toThrow(
      expect.objectContaining({ code: 'provider-key-missing', hint: expect.stringContaining('--provider recorded') }),
    )
  })

  it('is content with any key for a server of one’s own', () => {
    const provider = claudeProvider({ env: { ANTHROPIC_API_KEY: 'x', ANTHROPIC_BASE_URL: 'http://127.0.0.1:1' } })
    expect(() => provider.check()).not.toThrow()
    expect(provider).toMatchObject({ name: 'claude', model: DEFAULT_CLAUDE_MODEL })
  })
})
