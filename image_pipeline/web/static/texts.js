// Texts for people: dates, numbers, sizes.

const LOCALE = 'en-GB'
const MONTH = new Intl.DateTimeFormat(LOCALE, { month: 'long', year: 'numeric', timeZone: 'UTC' })
const SHORT_MONTH = new Intl.DateTimeFormat(LOCALE, { month: 'short', year: 'numeric', timeZone: 'UTC' })
const DAY = new Intl.DateTimeFormat(LOCALE, { day: 'numeric', month: 'short', year: 'numeric', timeZone: 'UTC' })
const NUMBER = new Intl.NumberFormat(LOCALE)

export const number = (value) => NUMBER.format(value)

export function counted(count, one, many = `${one}s`) {
  return `${number(count)} ${count === 1 ? one : many}`
}

// A wall clock, such as 2024-05-01T18:30:00, as exact as its precision: year, month, day, or a time.
export function dateText(local, precision, withTime = false) {
  if (!local) return ''
  const date = new Date(`${local.slice(0, 10)}T00:00:00Z`)
  if (Number.isNaN(date.getTime())) return local
  if (precision === 'year') return local.slice(0, 4)
  if (precision === 'month') return SHORT_MONTH.format(date)
  const day = DAY.format(date)
  if (!withTime || precision === 'day' || local.length < 16) return day
  return `${day}, ${local.slice(11, precision === 'minute' ? 16 : 19)}`
}

// A period of the timeline: 2024, 2024-05 or 2024-05-01; undated otherwise.
export function periodText(period) {
  if (period === 'undated') return 'Without a date'
  if (period.length === 4) return period
  const date = new Date(`${period.padEnd(10, '-01')}T00:00:00Z`)
  return period.length === 7 ? MONTH.format(date) : DAY.format(date)
}

// A moment (ISO 8601 with an offset) on the clock of this browser.
export function momentText(text) {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? text : date.toLocaleString(LOCALE, { dateStyle: 'medium', timeStyle: 'short' })
}

export function sizeText(bytes) {
  if (bytes === null || bytes === undefined) return ''
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (bytes >= 1000 && unit < units.length - 1) {
    bytes /= 1000
    unit += 1
  }
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[unit]}`
}

export const fileName = (path) => path.slice(path.lastIndexOf('/') + 1)
export const directoryOf = (path) => path.slice(0, Math.max(0, path.lastIndexOf('/')))

const FIELDS = { file_name: 'file name', keywords: 'keywords', people: 'people' }

// Why a photograph was found: “red” in caption · picture 0.31.
export function whyText(why) {
  const parts = why.words.map(({ word, fields }) => `“${word}” in ${fields.map((one) => FIELDS[one] ?? one.replaceAll('_', ' ')).join(', ')}`)
  if (why.picture !== null) parts.push(`picture ${why.picture.toFixed(2)}`)
  return parts.join(' · ')
}

// A value of a filter, in quotes if it needs them.
export const quoted = (value) => (/[\s,"\\]|^-/.test(value) ? `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"` : value)
