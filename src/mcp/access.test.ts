import { expect, test } from 'vitest'
import { givenTo, isFromHere, newToken } from './access.ts'

test.each<[Record<string, string>, boolean]>([
  [{ host: '127.0.0.1:80' }, true],
  [{ host: 'localhost:80' }, true],
  [{ host: 'localhost:80', origin: 'http://localhost:6274' }, true],
  [{ host: 'localhost:80', origin: 'https://127.0.0.1' }, true],
  [{ host: 'localhost:80', origin: 'http://[::1]:5' }, true],
  [{ host: 'LOCALHOST:80' }, false],
  [{ host: 'localhost' }, false],
  [{ host: 'localhost:81' }, false],
  [{ host: '127.0.0.1.evil.example:80' }, false],
  [{ host: '' }, false],
  [{}, false],
  [{ host: 'localhost:80', origin: 'null' }, false],
  [{ host: 'localhost:80', origin: '' }, false],
  [{ host: 'localhost:80', origin: 'http://localhost.evil.example' }, false],
  [{ host: 'localhost:80', origin: 'http://evil.example/?localhost' }, false],
  [{ host: 'localhost:80', origin: 'http://localhost@evil.example' }, false],
  [{ host: 'localhost:80', origin: 'file://localhost' }, false],
  [{ host: 'localhost:80', origin: 'chrome-extension://localhost' }, false],
])('%j: %s', (headers, isAllowed) => expect(isFromHere(headers, 80)).toBe(isAllowed))

test('a token opens what it was given for', () => {
  const choices = [newToken(), newToken()].map((token) => ({ token }))
  for (const choice of choices) {
    expect(Buffer.from(choice.token, 'base64url')).toHaveLength(32)
    expect(givenTo({ authorization: `Bearer ${choice.token}` }, choices)).toBe(choice)
    expect(givenTo({ authorization: `Bearer ${choice.token} ` }, choices)).toBeUndefined()
    expect(givenTo({ authorization: choice.token }, choices)).toBeUndefined()
  }
  expect(givenTo({}, choices)).toBeUndefined()
  expect(givenTo({ authorization: 'Bearer ' }, [...choices, { token: '' }])).toEqual({ token: '' })
})
