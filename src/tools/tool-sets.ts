/** The sets of tools that a notebook session can give to its agent. */
import type { z } from 'zod'
import { arrangeTools } from './arrange-tools.ts'
import { cellTools } from './cell-tools.ts'
import { fileTools } from './file-tools.ts'
import { findingTool } from './finding-tool.ts'
import { kernelTools } from './kernel-tools.ts'
import type { Notebook } from './notebook.ts'
import { originalTools } from './original-tools.ts'
import { peek } from './peek-tool.ts'
import { readNotebook } from './read-notebook-tool.ts'
import { restoreCells } from './restore-tool.ts'
import type { Tool } from './tool.ts'
import { listVariables } from './variables-tool.ts'

/**
 * `default`: what an experiment needs; recordings are made with it, so its names and shapes are fixed. `full`: beside those, all that
 * one may do with a notebook. `original`: the eight tools of the framework that Seer replaces, and `submit_finding`.
 */
export const TOOL_SETS = ['default', 'full', 'original'] as const
export type ToolSet = (typeof TOOL_SETS)[number]

/** `answer`: the schema of a finding's answer. `more`: what a session of another kind has beside. */
export function toolsOf(
  set: ToolSet,
  notebook: Notebook,
  { answer, more = [] }: { answer?: z.ZodObject | undefined; more?: readonly Tool[] } = {},
): Tool[] {
  if (set === 'original') return [...originalTools(notebook), ...more, findingTool(notebook, answer)]
  const common = [...cellTools(notebook), ...kernelTools(notebook), ...more, findingTool(notebook, answer)]
  if (set === 'default') return common
  return [
    ...common,
    restoreCells(notebook),
    peek(notebook),
    listVariables(notebook),
    readNotebook(notebook),
    ...arrangeTools(notebook),
    ...fileTools(notebook),
  ]
}
