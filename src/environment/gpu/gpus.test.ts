import { describe, expect, test } from 'vitest'
import { chooseGpus, described, isOfKind } from './choose-gpus.ts'
import { driverLibraries } from './driver-libraries.ts'
import { parseGpus, type Gpu } from './nvidia-smi.ts'

/** As drivers 535 and 550 write it, shortened to what stands around the parts that are read. */
const A100_AND_DIVIDED = `<?xml version="1.0" ?>
<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">
<nvidia_smi_log>
	<timestamp>Fri Aug  4 11:44:30 2023</timestamp>
	<driver_version>535.54.03</driver_version>
	<cuda_version>12.2</cuda_version>
	<attached_gpus>2</attached_gpus>
	<gpu id="00000000:53:00.0">
		<product_name>NVIDIA A100-SXM4-80GB</product_name>
		<product_brand>NVIDIA</product_brand>
		<mig_mode>
			<current_mig>Disabled</current_mig>
			<pending_mig>Disabled</pending_mig>
		</mig_mode>
		<mig_devices>
			None
		</mig_devices>
		<uuid>GPU-2b2f7b5c-1111-2222-3333-444455556666</uuid>
		<minor_number>3</minor_number>
		<fb_memory_usage>
			<total>81920 MiB</total>
			<reserved>869 MiB</reserved>
			<used>4 MiB</used>
			<free>81046 MiB</free>
		</fb_memory_usage>
		<bar1_memory_usage>
			<total>131072 MiB</total>
			<used>1 MiB</used>
			<free>131071 MiB</free>
		</bar1_memory_usage>
		<processes>
			<process_info>
				<pid>4321</pid>
				<process_name>python</process_name>
				<used_memory>40210 MiB</used_memory>
			</process_info>
		</processes>
	</gpu>

	<gpu id="00000000:64:00.0">
		<product_name>NVIDIA A100-SXM4-80GB</product_name>
		<mig_mode>
			<current_mig>Enabled</current_mig>
			<pending_mig>Enabled</pending_mig>
		</mig_mode>
		<mig_devices>
			<mig_device>
				<index>0</index>
				<gpu_instance_id>1</gpu_instance_id>
				<uuid>MIG-7ee6c2e1-aaaa-bbbb-cccc-ddddeeeeffff</uuid>
				<fb_memory_usage>
					<total>40192 MiB</total>
					<reserved>0 MiB</reserved>
					<used>37 MiB</used>
					<free>40154 MiB</free>
				</fb_memory_usage>
			</mig_device>
		</mig_devices>
		<uuid>GPU-9d0c3a4e-1111-2222-3333-444455556666</uuid>
		<minor_number>0</minor_number>
		<fb_memory_usage>
			<total>81920 MiB</total>
			<reserved>871 MiB</reserved>
			<used>75 MiB</used>
			<free>80973 MiB</free>
		</fb_memory_usage>
	</gpu>
</nvidia_smi_log>`

/** A laptop's on driver 515, which has no \`reserved\`; and a chip that shares the machine's memory. */
const OTHERS = `<nvidia_smi_log>
<driver_version>515.65.01</driver_version>
<attached_gpus>2</attached_gpus>
<gpu id="00000000:01:00.0">
	<product_name>NVIDIA GeForce GTX 1050</product_name>
	<mig_mode>
		<current_mig>N/A</current_mig>
		<pending_mig>N/A</pending_mig>
	</mig_mode>
	<uuid>GPU-06e04616-0ed5-4069-5ebc-345349a0d4f3</uuid>
	<minor_number>0</minor_number>
	<fb_memory_usage>
		<total>4096 MiB</total>
		<used>1012 MiB</used>
		<free>3084 MiB</free>
	</fb_memory_usage>
</gpu>
<gpu id="0000000F:01:00.0">
	<product_name>NVIDIA GB10</product_name>
	<uuid>GPU-16e04616-0ed5-4069-5ebc-345349a0d4f3</uuid>
	<minor_number>1</minor_number>
	<fb_memory_usage>
		<total>N/A</total>
		<reserved>N/A</reserved>
		<used>N/A</used>
		<free>N/A</free>
	</fb_memory_usage>
</gpu>
</nvidia_smi_log>`

test('what the driver says: the device’s own number, its own memory, and whether it is divided', () => {
  expect(parseGpus(A100_AND_DIVIDED)).toEqual([
    {
      name: 'NVIDIA A100-SXM4-80GB',
      uuid: 'GPU-2b2f7b5c-1111-2222-3333-444455556666',
      minor: 3,
      memoryMiB: 81920,
      freeMiB: 81046,
      isDivided: false,
    },
    {
      name: 'NVIDIA A100-SXM4-80GB',
      uuid: 'GPU-9d0c3a4e-1111-2222-3333-444455556666',
      minor: 0,
      memoryMiB: 81920,
      freeMiB: 80973,
      isDivided: true,
    },
  ])
  expect(parseGpus(OTHERS).map(({ name, minor, freeMiB }) => [name, minor, freeMiB])).toEqual([
    ['NVIDIA GeForce GTX 1050', 0, 3084],
    ['NVIDIA GB10', 1, null],
  ])
})

test.each(['', 'No devices were found\n', '<nvidia_smi_log><attached_gpus>0</attached_gpus></nvidia_smi_log>'])(
  'no GPU in %j',
  (text) => expect(parseGpus(text)).toEqual([]),
)

test('one that is too old to have an id is none', () => {
  const old = '<gpu id="0:1:0"><product_name>GeForce 9800 GTX</product_name><uuid>N/A</uuid></gpu>'
  expect(parseGpus(old)).toEqual([])
})

test.each([
  ['NVIDIA A100-SXM4-80GB', 'A100', true],
  ['NVIDIA A100-SXM4-80GB', 'a100-80gb', true],
  ['NVIDIA A100-SXM4-40GB', 'A100-80GB', false],
  ['A100-PCIE-40GB', 'A100', true],
  ['NVIDIA A100 80GB PCIe', 'A100', true],
  ['NVIDIA A100-SXM4-80GB', 'A10', false],
  ['NVIDIA A10G', 'A10', false],
  ['NVIDIA A10G', 'A10G', true],
  ['NVIDIA L40S', 'L4', false],
  ['NVIDIA L40S', 'L40', false],
  ['NVIDIA L4', 'L4', true],
  ['Tesla T4', 'T4', true],
  ['NVIDIA H100 80GB HBM3', 'H100', true],
  ['NVIDIA H100 80GB HBM3', 'H10', false],
  ['NVIDIA GeForce RTX 4090', 'RTX 4090', true],
  ['NVIDIA GeForce RTX 4090', 'rtx4090', true],
  ['NVIDIA GeForce RTX 4090', '4090', true],
  ['NVIDIA GeForce RTX 4090', '409', false],
  ['NVIDIA GeForce RTX 3090 Ti', 'RTX 3090', true],
])('%s is of the kind %s: %s', (name, asked, is) => expect(isOfKind(name, asked)).toBe(is))

const gpu = (minor: number, name: string, freeMiB: number | null, isDivided = false): Gpu => ({
  name,
  uuid: `GPU-${minor}`,
  minor,
  memoryMiB: 81920,
  freeMiB,
  isDivided,
})

describe.each([
  ['one', 1, [1]],
  ['two', 2, [1, 0]],
])('%s', (_, count, minors) => {
  test('those with the most free memory', () => {
    const found = [gpu(0, 'NVIDIA A100', 500), gpu(1, 'NVIDIA A100', 80000), gpu(2, 'NVIDIA A100', null)]
    expect(chooseGpus({ gpu: 'A100', count }, found).map(({ minor }) => minor)).toEqual(minors)
  })
})

test.each([
  ['H100', 1, /A GPU "H100" was asked for. This machine has 2 × NVIDIA A100 \(80 GiB\)/, /as its name has it/],
  ['A100', 3, /3 GPUs "A100" were asked for. This machine has 2 × NVIDIA A100/, /at most 2/],
])('%s × %i is refused with what is there', (kind, count, message, hint) => {
  const found = [gpu(0, 'NVIDIA A100', 1), gpu(1, 'NVIDIA A100', 1)]
  const refused = () => chooseGpus({ gpu: kind, count }, found)
  expect(refused).toThrow(message)
  expect(refused).toThrow(expect.objectContaining({ code: 'gpu-missing', hint: expect.stringMatching(hint) }))
})

test('a divided one is not given, and said to be the reason', () => {
  const refused = () => chooseGpus({ gpu: 'A100', count: 1 }, [gpu(0, 'NVIDIA A100', 1, true)])
  expect(refused).toThrow(expect.objectContaining({ hint: expect.stringContaining('MIG') }))
  expect(described([])).toBe('none')
})

test('libraries of the driver that lie outside /usr, and no others', () => {
  const listing = `602 libs found in cache \`/etc/ld.so.cache'
	libcuda.so.1 (libc6,x86-64) => /run/opengl-driver/lib/libcuda.so.1
	libcuda.so.1 (libc6,x86-64) => /usr/lib/x86_64-linux-gnu/libcuda.so.1
	libnvidia-ml.so.1 (libc6,x86-64) => /opt/nvidia/lib64/libnvidia-ml.so.1
	libnvidia-ptxjitcompiler.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libnvidia-ptxjitcompiler.so.1
	libcudart.so.12 (libc6,x86-64) => /opt/cuda/lib64/libcudart.so.12
	libsecret.so.1 (libc6,x86-64) => /opt/other/libsecret.so.1
`
  expect(driverLibraries(listing)).toEqual([
    '/run/opengl-driver/lib/libcuda.so.1',
    '/opt/nvidia/lib64/libnvidia-ml.so.1',
  ])
})
