/** What the agent's code saved: pictures are shown, the rest is named with its place in the run's folder. */
import { showHidden } from '../../notebook/hidden-characters.ts'
import { size } from '../../amounts.ts'
import type { ReportFile } from './report-input.ts'

export function Files({ files }: { files: readonly ReportFile[] }) {
  if (files.length === 0) return null
  return (
    <section id="files">
      <h2>Saved files</h2>
      <div class="report-figures">
        {files.map(({ name, path, image }) =>
          image === null ? null : (
            <figure class="figure" key={path}>
              <img src={image} alt={showHidden(name)} />
              <figcaption>{showHidden(name)}</figcaption>
            </figure>
          ),
        )}
      </div>
      <ul class="report-files">
        {files.map(({ name, kind, bytes, path }) => (
          <li key={path}>
            <strong>{showHidden(name)}</strong>{' '}
            <span class="quiet">
              {showHidden(kind)}, {size(bytes)}
            </span>{' '}
            <code class="path">{showHidden(path)}</code>
          </li>
        ))}
      </ul>
    </section>
  )
}
