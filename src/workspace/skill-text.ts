/** SKILL.md, as the Agent Skills format has it (agentskills.io): YAML between two lines of `---`, then the instructions. */
import { parseDocument, stringify } from 'yaml'
import { z } from 'zod'
import { SeerError } from '../errors.ts'

export interface SkillText {
  readonly name: string
  readonly description: string
  /** Markdown. */
  readonly instructions: string
}

const MAX_NAME_CHARS = 64
const MAX_DESCRIPTION_CHARS = 1024
const MAX_COMPATIBILITY_CHARS = 500

const characters = (max: number) => (text: string) => Array.from(text).length <= max
const text = (field: string) =>
  z.string({
    error: ({ input }) => `has ${input === undefined ? `no \`${field}\`` : `a \`${field}\` that is no text`}`,
  })

/** Fields that the format does not have are other programs' own. */
const frontMatterSchema = z.looseObject({
  name: text('name').refine((name) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) && name.length <= MAX_NAME_CHARS, {
    error: `has a \`name\` that is not lower-case letters and digits, in words joined by one hyphen, ${MAX_NAME_CHARS} characters at most`,
  }),
  description: text('description')
    .trim()
    .min(1, 'has an empty `description`')
    .refine(
      characters(MAX_DESCRIPTION_CHARS),
      `has a \`description\` of more than ${MAX_DESCRIPTION_CHARS} characters`,
    ),
  compatibility: text('compatibility')
    .refine(
      characters(MAX_COMPATIBILITY_CHARS),
      `has a \`compatibility\` of more than ${MAX_COMPATIBILITY_CHARS} characters`,
    )
    .optional(),
})

/** `what` begins the errors: `The skill ./steering`. */
export function parseSkillText(text: string, what: string): SkillText {
  const found = /^\uFEFF?---[ \t]*\n(?<yaml>[^]*?)^---[ \t]*(?:\n|$)(?<instructions>[^]*)$/m.exec(
    text.replaceAll('\r\n', '\n'),
  )
  if (!found?.groups || found.index > 0) {
    throw invalid(
      `${what} has no front matter: its SKILL.md must begin with \`name\` and \`description\` between two lines of ---.`,
    )
  }
  const { yaml = '', instructions = '' } = found.groups
  const fields = readYaml(yaml, what)
  const { name, description } = checkFields(fields, what)
  return { name, description, instructions: instructions.trim() }
}

/** All scalars as the texts that they are: a name may be `1984` or `no`. */
function readYaml(yaml: string, what: string): unknown {
  const document = parseDocument(yaml, { schema: 'failsafe' })
  const [problem] = document.errors
  try {
    if (!problem) return document.toJS()
  } catch (cause) {
    throw invalid(`${what} has front matter that cannot be read: ${String(cause)}`)
  }
  // The first line says what and where; below it stands the place.
  throw invalid(
    `${what} has front matter that is not YAML: ${problem.message.split('\n')[0]}`,
    'A text with a colon and a space, a # or a quote in it must stand in quotes.',
  )
}

function checkFields(fields: unknown, what: string): { name: string; description: string } {
  const parsed = frontMatterSchema.safeParse(fields ?? {})
  if (parsed.success) return parsed.data
  const whole = parsed.error.issues.some(({ path }) => path.length === 0)
  const problems = whole
    ? ['has front matter that is not a list of fields']
    : parsed.error.issues.map((issue) => issue.message)
  throw invalid(`${what} ${problems.join(', and ')}.`)
}

/** Throws for what the format does not allow. */
export function formatSkillText({ name, description, instructions }: SkillText, what: string): string {
  const fields = { name, description: description.trim() }
  checkFields(fields, what)
  return `---\n${stringify(fields, { lineWidth: 0 })}---\n\n${instructions.trim()}\n`
}

/** Code as Markdown, whatever it holds. */
export function fenced(code: string): string {
  const longest = Math.max(2, ...[...code.matchAll(/`+/g)].map(([run]) => run.length))
  const fence = '`'.repeat(longest + 1)
  return `${fence}python\n${code.replace(/\n+$/, '')}\n${fence}`
}

function invalid(message: string, hint?: string): SeerError {
  return new SeerError('skill-invalid', hint === undefined ? { message } : { message, hint })
}
