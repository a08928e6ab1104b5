import { expect, test } from 'vitest'
import { seatbeltProfile } from './seatbelt.ts'

test('the profile, whole', () => {
  expect(seatbeltProfile({ readOnly: ['/opt/py', '/models/a "b"'], writable: ['/w'] })).toMatchInlineSnapshot(`
    "(version 1)
    (deny default)
    (allow process-fork)
    (allow process-exec)
    (allow signal (target same-sandbox))
    (allow sysctl-read)
    (allow file-read-metadata)
    (allow file-read*
      (literal "/")
      (subpath "/usr")
      (subpath "/bin")
      (subpath "/sbin")
      (subpath "/System")
      (subpath "/Library/Apple")
      (subpath "/private/var/db/timezone")
      (subpath "/private/etc/localtime")
      (subpath "/opt/py")
      (subpath "/models/a \\"b\\"")
      (subpath "/w"))
    (allow file-write*
      (subpath "/w"))
    (allow file-read* file-write-data
      (literal "/dev/null")
      (literal "/dev/zero")
      (literal "/dev/random")
      (literal "/dev/urandom")
      (literal "/dev/tty"))
    (allow network* (local unix-socket) (remote unix-socket))
    (deny network* (remote ip))
    "
  `)
})

test('a path cannot end its string', () => {
  expect(seatbeltProfile({ readOnly: ['/a") (allow default) ("\\'], writable: [] })).toContain(
    String.raw`(subpath "/a\") (allow default) (\"\\")`,
  )
  expect(() => seatbeltProfile({ readOnly: ['/a\n(allow default)'], writable: [] })).toThrow('line break')
})
