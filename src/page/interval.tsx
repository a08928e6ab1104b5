/** An effect and its interval on a line with the zero, as a small drawing. */

const WIDTH = 160
const MARGIN = 8

export function Interval({ value, interval: [low, high] }: { value: number; interval: readonly [number, number] }) {
  const least = Math.min(low, high, value, 0)
  const most = Math.max(low, high, value, 0)
  if (!Number.isFinite(least) || !Number.isFinite(most) || most === least) return null
  const x = (at: number) => MARGIN + ((at - least) / (most - least)) * (WIDTH - 2 * MARGIN)
  return (
    <svg class="interval" viewBox={`0 0 ${WIDTH} 20`} width={WIDTH} height={20} aria-hidden="true">
      <line class="interval-axis" x1={0} x2={WIDTH} y1={10} y2={10} />
      <line class="interval-zero" x1={x(0)} x2={x(0)} y1={3} y2={17} />
      <line class="interval-range" x1={x(Math.min(low, high))} x2={x(Math.max(low, high))} y1={10} y2={10} />
      <circle class="interval-value" cx={x(value)} cy={10} r={4} />
    </svg>
  )
}
