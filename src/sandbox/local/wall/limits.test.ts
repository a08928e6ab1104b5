import { expect, test } from 'vitest'
import { holdLimits, limitsFor } from './limits.ts'

const GIB = 1024 ** 3
const machine = { memoryBytes: 16 * GIB, cores: 8, freeDiskBytes: 100 * GIB, kernelRelease: '6.1.0-18-amd64' }

test('something is always left for the machine', () => {
  const limits = limitsFor(machine)
  expect(limits.memoryBytes / GIB).toBeCloseTo(14.4)
  expect(limits).toMatchObject({ processes: 1024, diskBytes: 50 * GIB })
  expect(limits.tmpBytes).toBeLessThan(limits.memoryBytes / 3)
  expect(limitsFor({ ...machine, cores: 96 }).processes).toBe(6144)
  expect(limitsFor({ ...machine, memoryBytes: 2 * GIB }).memoryBytes).toBe(GIB)
})

test.each([
  [
    'groups hold both',
    { memory: 'cgroup v2', processes: 'cgroup v2' },
    '6.1.0',
    ['enforced', 'enforced', 'watched'],
    null,
    false,
  ],
  ['no groups', {}, '6.1.0', ['watched', 'enforced', 'watched'], 14.4, true],
  ['no groups, before 5.14', {}, '5.10.0-28', ['watched', 'none', 'watched'], 14.4, true],
  ['memory only', { memory: 'cgroup v1' }, '5.14.0', ['enforced', 'enforced', 'watched'], null, false],
])('%s', (_, held, kernelRelease, how, dataGib, watchMemory) => {
  const { told, wall } = holdLimits(limitsFor(machine), { kernelRelease }, held)
  expect([told.memory.how, told.processes.how, told.disk.how]).toEqual(how)
  expect(wall.watchMemory).toBe(watchMemory)
  expect(wall.dataBytes === null ? null : Number((wall.dataBytes / GIB).toFixed(1))).toBe(dataGib)
  expect(wall.processes).toBe(kernelRelease.startsWith('5.10') ? null : 1024)
})
