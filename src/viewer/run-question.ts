/** What a run is about, in a line: how the task begins that its agent was given. */
import { open } from 'node:fs/promises'
import { join } from 'node:path'

const LOOK_BYTES = 4096
const MAX_LENGTH = 240

export async function runQuestion(folder: string): Promise<string | null> {
  try {
    await using file = await open(join(folder, 'source', 'task.rendered.md'))
    const { bytesRead, buffer } = await file.read(Buffer.alloc(LOOK_BYTES), 0, LOOK_BYTES, 0)
    return firstParagraph(buffer.toString('utf8', 0, bytesRead))
  } catch {
    // A plain script has no task.
    return null
  }
}

/** Without headings and emphasis; null when there is no more than those. */
export function firstParagraph(markdown: string): string | null {
  const paragraphs = markdown.split(/\n\s*\n/).map((part) => part.replaceAll(/^\s*(#.*|[-=*_]{3,})$/gm, ''))
  const text = paragraphs
    .map((part) =>
      part
        .replaceAll(/\*\*|__|`/g, '')
        .replaceAll(/\s+/g, ' ')
        .trim(),
    )
    .find(Boolean)
  if (text === undefined) return null
  if (text.length <= MAX_LENGTH) return text
  const cut = text.slice(0, MAX_LENGTH).toWellFormed()
  return `${cut.slice(0, Math.max(cut.lastIndexOf(' '), MAX_LENGTH / 2))} …`
}
