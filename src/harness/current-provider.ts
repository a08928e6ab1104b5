import { AsyncLocalStorage } from 'node:async_hooks'
import type { AgentRequest, Provider } from './agent.ts'
import type { Purse } from './limits.ts'

/** What `seer run` decided for the agents of an experiment. */
export interface ProviderChoice {
  readonly provide: (request: AgentRequest) => Promise<Provider>
  /** For all agents of the run together; null: none was wanted. */
  readonly budget?: Purse | null
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
