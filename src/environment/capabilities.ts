/** What a sandbox on this machine cannot be: said before anything starts, and never silently left out. */
import { SeerError } from '../errors.ts'

interface Asked {
  readonly systemPackages: readonly string[]
}

export function checkCapabilities({ systemPackages }: Asked): void {
  if (systemPackages.length > 0) {
    throw new SeerError('capability-missing', {
      message: `systemPackages (${systemPackages.join(', ')}): Seer installs nothing into this machine's own system.`,
      hint: 'Install them yourself: what lies in /usr is seen in a local sandbox. Then take systemPackages out.',
    })
  }
}
