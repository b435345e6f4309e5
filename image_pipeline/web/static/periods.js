// Periods of the timeline as sections: neighbouring months are one section until it has enough photographs.

import { periodText } from './texts.js'

const FEWEST = 48
export const UNDATED = 'undated'

// The period of a photograph: a month, or a year if no more is known.
export function periodOf(photo) {
  if (!photo.taken_local) return UNDATED
  return photo.taken_local.slice(0, photo.taken_precision === 'year' ? 4 : 7)
}

// Groups of periods, in order: [{periods: [{period, count}], count}].
export function groups(periods) {
  const found = []
  for (const one of periods) {
    const last = found.at(-1)
    if (last && last.count < FEWEST) {
      last.periods.push(one)
      last.count += one.count
    } else {
      found.push({ periods: [one], count: one.count })
    }
  }
  return found
}

// What to call neighbouring periods: May 2024, January – May 2024, or 2001 – 2007.
export function titleOf(periods) {
  const names = periods.map(({ period }) => period).sort()
  const [first, last] = [names[0], names.at(-1)]
  if (first === last) return periodText(first)
  if (first.slice(0, 4) !== last.slice(0, 4)) return `${first.slice(0, 4)} – ${last.slice(0, 4)}`
  if (first.length === 4) return first
  return `${periodText(first).split(' ')[0]} – ${periodText(last)}`
}

// The dates from and before which the photographs of these periods were taken; others may be found with them.
export function rangeOf(periods) {
  const begins = []
  const ends = []
  for (const { period } of periods) {
    begins.push(`${period.padEnd(7, '-01')}-01`)
    const [year, month] = period.split('-').map(Number)
    // of one whose month is not known, any day of the year will do
    ends.push(month ? (month === 12 ? `${text(year + 1, 4)}-01-01` : `${text(year, 4)}-${text(month + 1, 2)}-01`) : `${text(year, 4)}-01-02`)
  }
  const before = ends.sort().at(-1)
  return { after: begins.sort()[0], before: before.length > 10 ? null : before }
}

const text = (value, length) => String(value).padStart(length, '0')
