import { AsyncLocalStorage } from 'node:async_hooks'
import type { AgentRequest, Provider } from './agent.ts'

/** What `seer run` decided for the agents of an experiment. */
export interface ProviderChoice {
  readonly provide: (request: AgentRequest) => Promise<Provider>
  /** No rendering on the terminal. */
  readonly quiet: boolean
}

const ambient = new AsyncLocalStorage<ProviderChoice>()

export function withProvider<T>(choice: ProviderChoice, body: () => T): T {
  return ambient.run(choice, body)
}

export function currentProvider(): ProviderChoice | undefined {
  return ambient.getStore()
}
