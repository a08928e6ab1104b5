/** What each way of running an agent is measured on: one conversation with the tool `bump`, until the model has said its last word. */
export interface Contender {
  /** Everything that is done once for a program: imports, tools, a client. Not part of the time to the first request. */
  prepare(task: Task): Promise<() => Promise<string>>
}

export interface Task {
  readonly system: string
  readonly prompt: string
  readonly model: string
  readonly maxTurns: number
  readonly baseUrl: string
  readonly apiKey: string
  /** An empty folder of its own. */
  readonly folder: string
  /** The tool's work: the next number. Counts how often it was asked. */
  bump(n: number): string
}

export const TOOL_DESCRIPTION = 'Returns the next number.'
