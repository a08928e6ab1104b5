import { expect, test } from 'vitest'
import { findAttachable } from './find-attachable.ts'

test.each([[undefined], [''], ['../x'], ['sb-xyz']])('an id that cannot be one: %j', async (id) => {
  await expect(findAttachable(id as string)).rejects.toThrow(
    expect.objectContaining({ code: 'sandbox-unknown', hint: expect.any(String) as string }) as Error,
  )
})
