import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { countBytes } from './byte-length.ts'

test('counted by hand is counted as Node counts, also for halves of characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\ud83d', '\ude00') }), (text) => {
      expect(countBytes(text)).toBe(Buffer.byteLength(text))
    }),
  )
})
