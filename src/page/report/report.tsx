/** A run as one HTML document, drawn with the page's own components: no scripts, nothing fetched, folded by the browser itself. */
import { renderToString } from 'preact-render-to-string'
import { showHidden } from '../../notebook/hidden-characters.ts'
import { RunHeader } from '../header.tsx'
import { markdownToHtml } from '../text/markdown.ts'
import { FindingCard } from '../finding.tsx'
import { Cost } from './cost.tsx'
import { Files } from './files.tsx'
import { Honest } from './honest.tsx'
import type { ReportInput } from './report-input.ts'
import { Story } from './story.tsx'
import { STYLES } from './styles.ts'
import { Tables } from './tables.tsx'
import { Tried } from './tried.tsx'
import { linksAsText, reportView } from './view.ts'

const CSP =
  "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-src 'none'"

export function renderReport(input: ReportInput): string {
  const shown: ReportInput = { ...input, summary: visible(input.summary) }
  // Once more for all of it: whatever a component has missed is seen.
  const body = showHidden(linksAsText(renderToString(<Report input={shown} />)))
  const title = `${shown.summary.experiment ?? 'A run'}: report of ${shown.run}`
  return [
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${CSP}">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="no-referrer">',
    '<meta name="color-scheme" content="light dark"><meta http-equiv="x-dns-prefetch-control" content="off">',
    renderToString(<title>{showHidden(title)}</title>),
    // The styles are ours; nothing of the run is in them.
    `<style>${STYLES}</style></head>`,
    `<body class="report">${body}</body>`,
    '</html>',
    '',
  ].join('\n')
}

function Report({ input }: { input: ReportInput }) {
  const { summary, status, question, findings, problems, leftOut } = input
  const view = reportView(
    input.images,
    summary.agents.map(({ name }) => name),
  )
  return (
    <main>
      <RunHeader summary={{ ...summary, open: NOTHING_OPEN }} status={status} />
      <Honest input={input} />
      {problems.length > 0 && (
        <section class="report-problems">
          <h2>The log is damaged or incomplete</h2>
          <ul>
            {problems.map((problem) => (
              <li key={problem}>{showHidden(problem)}</li>
            ))}
          </ul>
        </section>
      )}
      <section id="question">
        <h2>Question</h2>
        {question === null ? (
          <p class="quiet">The log does not say what the agent was asked.</p>
        ) : (
          <Question text={question} />
        )}
      </section>
      <section id="findings">
        <h2>Findings</h2>
        {findings.length === 0 && <p class="quiet">No finding was submitted.</p>}
        {findings.length > 0 && (
          <p class="quiet findings-note">
            Nothing here is checked by anyone but the agent itself. Each cell named as evidence opens where it stands
            below.
          </p>
        )}
        {findings.map((found, index) => (
          <FindingCard key={found.seq} id={`finding-${index + 1}`} {...found} view={view} />
        ))}
      </section>
      <Tried input={input} view={view} />
      <Tables tables={input.tables} />
      <Files files={input.files} />
      <Cost input={input} />
      {leftOut.length > 0 && (
        <section class="report-left-out">
          <h2>Left out of this file</h2>
          <p>To keep it small: {leftOut.join('; ')}. All of it is in the run’s folder, named where it was left out.</p>
        </section>
      )}
      <Story story={input.story} findings={findings} view={view} />
      <footer class="quiet">
        Made from events.jsonl, which is the record, by Seer {input.writtenBy} on {input.writtenAt}.
      </footer>
    </main>
  )
}

const NOTHING_OPEN = { cells: {}, left: {}, lastAt: null, recovered: false }
const LONG_QUESTION = 1600

function Question({ text }: { text: string }) {
  const whole = <div class="prose question" dangerouslySetInnerHTML={{ __html: markdownToHtml(text) }} />
  if (text.length <= LONG_QUESTION) return whole
  return (
    <details class="disclosure">
      <summary>{showHidden(firstWords(text))}</summary>
      {whole}
    </details>
  )
}

/** What is called the question, else the first sentence that asks and is not quoted, else how it begins. */
function firstWords(text: string): string {
  const plain = text
    .replaceAll(/\*\*|__/g, '')
    .replaceAll(/\s+/g, ' ')
    .trim()
  const named = /\bquestion: ([^?]{10,300}\?)/i.exec(plain)?.[1]
  const own = plain.replaceAll(/ ?(?:"[^"]*"|“[^”]*”)/g, '')
  const asks = /(?:^|[.!?:] )([A-Z][^.!?:[\]]{10,300}\?)(?= |$)/.exec(own)?.[1]
  return named ?? asks ?? `${plain.slice(0, 300)}…`
}

/** Every text in it, without anything that turns or hides text. */
function visible<T>(value: T): T {
  if (typeof value === 'string') return showHidden(value) as T
  if (Array.isArray(value)) return value.map(visible) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [showHidden(name), visible(inner)])) as T
}
