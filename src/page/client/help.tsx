import { Dialog } from './dialog.tsx'
import { KEYS } from './keyboard.ts'
import { DRAW_ALL } from './timeline-view.tsx'

/** The keys, and what the page cannot do. */
export function Help({ onClose }: { onClose: () => void }) {
  return (
    <Dialog label="Keys" class="help" onClose={onClose}>
      <h2>Keys</h2>
      <dl class="keys">
        {KEYS.map(({ keys, words }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{words}</dd>
          </div>
        ))}
        <div>
          <dt>
            <kbd>Esc</kbd>
          </dt>
          <dd>closes a dialog</dd>
        </div>
      </dl>
      <p class="quiet">
        The browser’s own search finds what is drawn. Of a run with more than {DRAW_ALL} entries only those near what
        you see are: search such a run in its report, or with <code>seer show</code>.
      </p>
      <form method="dialog">
        <button type="submit" autofocus>
          Close
        </button>
      </form>
    </Dialog>
  )
}
