/** What our tools do to what is there, in MCP's words. */
import type { ToolAnnotations } from './tool.ts'

type More = Partial<Pick<ToolAnnotations, 'idempotentHint' | 'openWorldHint'>>

/** It changes nothing. */
export function reads(title: string): ToolAnnotations {
  return { title, readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
}

/** It takes nothing away. */
export function adds(title: string, more: More = {}): ToolAnnotations {
  return { title, readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false, ...more }
}

/** Files, variables or work that goes on may be gone afterwards. */
export function changes(title: string, more: More = {}): ToolAnnotations {
  return { ...adds(title, more), destructiveHint: true }
}
