import { expect, test } from 'vitest'
import { hostEnvironment } from './host-environment.ts'

test('places and language, and no key', () => {
  const env = {
    PATH: '/bin',
    HOME: '/h',
    LANG: 'C',
    ANTHROPIC_API_KEY: 'k',
    HF_TOKEN: 't',
    SSH_AUTH_SOCK: '/s',
    PYTHONPATH: '/p',
  }
  expect(hostEnvironment(env)).toEqual({ PATH: '/bin', HOME: '/h', LANG: 'C' })
})
