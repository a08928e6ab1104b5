/** Where an experiment's agents get their words from, decided once, before anything starts, and said aloud. */
import { SeerError } from '../errors.ts'
import type { KeySource } from '../harness/keys.ts'

export type ProviderName = 'claude' | 'recorded' | 'outside'
export const PROVIDER_NAMES: readonly ProviderName[] = ['claude', 'recorded', 'outside']

/** Never a silent switch: `why` is printed in the run's first lines. */
export function chooseProvider(
  asked: string | undefined,
  has: { key: KeySource | undefined; recording: boolean },
): { name: ProviderName; why: string } {
  const known = PROVIDER_NAMES.find((name) => name === asked)
  if (known) return { name: known, why: 'asked for' }
  if (asked !== undefined) {
    throw new SeerError('unknown-provider', {
      message: `There is no provider "${asked}".`,
      hint: `The providers are: ${PROVIDER_NAMES.join(', ')}.`,
    })
  }
  if (has.key)
    return { name: 'claude', why: `ANTHROPIC_API_KEY is set in ${has.key === '.env' ? '.env' : 'the environment'}` }
  if (has.recording) return { name: 'recorded', why: 'no ANTHROPIC_API_KEY is set' }
  throw new SeerError('provider-key-missing', {
    message: 'There is no ANTHROPIC_API_KEY, and this experiment has no recording of this profile.',
    hint: 'Set ANTHROPIC_API_KEY in the environment or in a file .env in this folder.',
  })
}
