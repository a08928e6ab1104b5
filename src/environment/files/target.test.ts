import { expect, test } from 'vitest'
import { isWithin, targetOf } from './target.ts'

test.each([
  ['data.csv', 'workspace', 'data.csv'],
  ['./a//b/../c', 'workspace', 'a/c'],
  ['.', 'workspace', '.'],
  ['/workspace', 'workspace', '.'],
  ['/workspace/', 'workspace', '.'],
  ['/workspace/data/x.csv', 'workspace', 'data/x.csv'],
  ['/data', 'mount', '/data'],
  ['/data/', 'mount', '/data'],
  ['/sandbox/path.txt', 'mount', '/sandbox/path.txt'],
  ['/workspaces/x', 'mount', '/workspaces/x'],
  ['/home/me/x', 'mount', '/home/me/x'],
])('%s lies in the %s, as %s', (asked, kind, path) => {
  expect(targetOf(asked)).toEqual({ kind, path, asked })
})

const REFUSED =
  '/ // /usr /usr/share/x /etc/passwd /proc /proc/1 /dev/shm/x /sys /bin/x /lib64/x /opt/seer /opt/environment/x /opt /run/seer/x ' +
  '/run /tmp/x /models/m0 /data/../etc/x .. ../x a/../../x /workspace/../etc/shadow a\0b'

test.each(REFUSED.split(' '))('%j is refused', (asked) => {
  expect(() => targetOf(asked)).toThrow(expect.objectContaining({ code: 'local-file-target' }))
})

test('a name that begins as another is not in it', () => {
  expect([isWithin('/a/b', '/a'), isWithin('/a', '/a'), isWithin('/ab', '/a'), isWithin('/a', '/')]).toEqual([
    true,
    true,
    false,
    true,
  ])
})
