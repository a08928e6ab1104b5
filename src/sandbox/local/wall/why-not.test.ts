import { expect, test } from 'vitest'
import { whyNot, type Settings } from './why-not.ts'

const USUAL: Settings = { apparmor: undefined, clone: undefined, max: '95000', inContainer: false }
const failed = (stderr: string, settings: Partial<Settings> = {}, timedOut = false) =>
  whyNot({ kind: 'failed', attempt: { stderr, timedOut }, settings: { ...USUAL, ...settings } })

test.each([
  [whyNot({ kind: 'no-program' }), /not installed/, /apt install bubblewrap/],
  [whyNot({ kind: 'weak-root' }), /CAP_SYS_ADMIN/, /ordinary user/],
  [whyNot({ kind: 'root-alone', user: 65521 }), /no such user in this user namespace/, /ordinary user/],
  [whyNot({ kind: 'other-system', platform: 'darwin' }), /macOS/, /Linux/],
  [whyNot({ kind: 'other-machine', arch: 'riscv64' }), /riscv64/, /arm64/],
  [
    failed('bwrap: setting up uid map: Permission denied', { apparmor: '1' }),
    /AppArmor.*uid map: Permission denied.*Ubuntu/,
    /docs\/confinement\.md/,
  ],
  [failed("bwrap: Can't mount proc on /newroot/proc: Operation not permitted"), /new \/proc.*mask/, /systempaths/],
  [
    failed('bwrap: Creating new namespace failed: Operation not permitted', { inContainer: true }),
    /container/,
    /seccomp/,
  ],
  [failed('bwrap: No permissions to create a new namespace', { max: '0' }), /max_user_namespaces is 0/, /sysctl/],
  [failed('bwrap: No permissions to create a new namespace', { clone: '0' }), /unprivileged_userns_clone/, /sysctl/],
  [failed('bwrap: Unknown option --disable-userns'), /too old/, /0\.8\.0/],
  [failed('', {}, true), /did not come to an end/, /by hand/],
  [failed('bwrap: something else'), /does not work here \(bwrap: something else\)/, /by hand/],
])('%o', ({ kind, reason, hint }, why, what) => {
  expect(kind).toBe('none')
  expect(reason).toMatch(why)
  expect(reason).not.toMatch(/\.$/)
  expect(hint).toMatch(what)
})
