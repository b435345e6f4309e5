// The results of a search, in sections: in order of date with a section for each part of the timeline; or ranked.

import { ApiError, get, sendPicture } from './api.js'
import { UNDATED, groups, periodOf, rangeOf, titleOf } from './periods.js'
import { Section } from './section.js'

const FIRST_PAGE = 60
const PAGE = 200
const MOST_KEPT = 12_000

export class Results {
  // `changed()` is called whenever there is more to show.
  constructor(state, changed) {
    this.state = state
    this.changed = changed
    this.sections = []
    this.total = null // files, where that is known
    this.parsed = null
    this.unmatched = []
    this.leftOut = null
    this.resorted = null
    this.isCalibrated = true
    this.isOpen = false
    this.error = null
    this.uses = 0
    this.aborting = new AbortController()
  }

  get isRanked() { return this.isCompared && this.state.sort === null }

  get isCompared() {
    const { like, picture } = this.state
    return Boolean(this.parsed?.words || like.length || picture)
  }

  // How many photographs there are, as far as that is known.
  get count() { return this.sections.reduce((sum, one) => sum + one.count, 0) }

  get isComplete() { return this.isOpen && this.sections.every((one) => one.isComplete) }

  // Begin. `picture()` gives the picture to search by, if the state has one.
  async open(picture) {
    try {
      this.parsed = await get('/parse', { q: this.state.q }, this.aborting.signal)
      if (this.parsed.error) throw new ApiError(422, 'query', this.parsed.error.message)
      if (this.state.picture) this.upload = await picture()
      if (this.isCompared) await this.#openRanked()
      else await this.#openDated()
      this.isOpen = true
    } catch (error) {
      if (error.name === 'AbortError') return
      this.error = error
    }
    this.changed()
  }

  close() { this.aborting.abort() }

  // Load a photograph and those before it in its section; null if there is none.
  async need(section, number) {
    section.used = this.uses += 1
    try {
      const before = section.version
      const photo = await section.need(number)
      if (section.version !== before) {
        this.#forgetSome()
        this.changed()
      }
      return photo
    } catch (error) {
      if (error.name !== 'AbortError') {
        section.error = error
        this.changed()
      }
      return null
    }
  }

  // The place of a photograph among those that were loaded; null if it is not there.
  find(id) {
    for (const [section, { photos }] of this.sections.entries()) {
      const number = photos.findIndex((photo) => photo.id === id)
      if (number >= 0) return { section, number }
    }
    return null
  }

  // The place `step` photographs further (1 or -1); null at the end.
  beside({ section, number }, step) {
    number += step
    while (this.sections[section]) {
      if (number >= 0 && number < this.sections[section].count) return { section, number }
      section += step
      if (!this.sections[section]) return null
      number = step > 0 ? 0 : this.sections[section].count - 1
    }
    return null
  }

  at({ section, number }) { return this.sections[section]?.photos[number] ?? null }

  #asked(more) {
    const { q, sort, all, like, unlike } = this.state
    return { q, sort, all: all && 'true', like, unlike, ...more }
  }

  async #openRanked() {
    const { signal } = this.aborting
    const load = async (cursor) => {
      const page = cursor
        ? await get('/search', { cursor, limit: PAGE }, signal)
        : this.upload
          ? await sendPicture('/search', this.#asked({ limit: FIRST_PAGE }), this.upload, signal)
          : await get('/search', this.#asked({ limit: FIRST_PAGE }), signal)
      this.leftOut = page.left_out
      this.resorted = page.resorted ?? this.resorted
      this.isCalibrated = page.calibrated
      if (!cursor) this.unmatched = page.unmatched
      section.expected = section.photos.length + page.photographs.length + (page.cursor ? FIRST_PAGE : 0)
      return page
    }
    const section = new Section({ key: 'ranked', expected: 0, load })
    await section.need(0)
    this.sections = [section]
    if (this.state.sort) await this.#sortIntoPeriods(section)
  }

  // A search that is sorted by date has few photographs: load all of them, and divide them by date.
  async #sortIntoPeriods(section) {
    await section.need(Infinity)
    const counts = new Map()
    for (const photo of section.photos) counts.set(periodOf(photo), (counts.get(periodOf(photo)) ?? 0) + 1)
    let first = 0
    this.sections = this.#grouped([...counts].map(([period, count]) => ({ period, count }))).map(({ periods, count }) => {
      const one = new Section({ key: keyOf(periods), title: titleOf(periods), expected: count, periods })
      one.photos = section.photos.slice(first, first += count)
      one.isComplete = true
      one.isFixed = true
      return one
    })
  }

  async #openDated() {
    const { signal } = this.aborting
    const q = this.state.q
    const sort = this.state.sort ?? 'newest'
    let timeline
    try {
      timeline = await get('/timeline', { q }, signal)
    } catch (error) {
      if (error.code !== 'older_collection') throw error
      await this.#openWhole(q, sort)
      return
    }
    const periods = sort === 'newest' ? timeline.periods.reverse() : timeline.periods
    const undated = timeline.undated ? [{ period: UNDATED, count: timeline.undated }] : []
    this.total = [...periods, ...undated].reduce((sum, { count }) => sum + count, 0)
    this.sections = this.#grouped([...periods, ...undated]).map((group) => this.#sectionOf(group, q, sort))
    if (this.sections.length === 0 && q) this.unmatched = (await get('/search', { q, limit: 1 }, signal)).unmatched
    if (this.sections.length > 0) await this.need(this.sections[0], 0)
  }

  #grouped(periods) {
    const dated = periods.filter(({ period }) => period !== UNDATED)
    const undated = periods.filter(({ period }) => period === UNDATED)
    return [...groups(dated), ...groups(undated)]
  }

  #sectionOf({ periods, count }, q, sort) {
    const names = new Set(periods.map(({ period }) => period))
    const isUndated = names.has(UNDATED)
    const asked = isUndated ? { q: `-after:1000 ${q}`.trim() } : { q, ...rangeOf(periods) }
    const load = async (cursor) => {
      const limit = Math.min(PAGE, count + 10)
      const page = await get('/search', cursor ? { cursor, limit } : { ...asked, sort, limit }, this.aborting.signal)
      // one whose month is not known is found with each month of its year
      return { ...page, photographs: page.photographs.filter((photo) => names.has(periodOf(photo))) }
    }
    return new Section({ key: keyOf(periods), title: titleOf(periods), expected: count, load, periods })
  }

  // All photographs in one section, of a collection that has no timeline yet.
  async #openWhole(q, sort) {
    const { signal } = this.aborting
    const load = async (cursor) => {
      const page = await get('/search', cursor ? { cursor, limit: PAGE } : { q, sort, limit: FIRST_PAGE }, signal)
      if (!cursor) this.unmatched = page.unmatched
      section.expected = section.photos.length + page.photographs.length + (page.cursor ? FIRST_PAGE : 0)
      return page
    }
    const section = new Section({ key: 'whole', expected: 0, load })
    await section.need(0)
    this.sections = [section]
  }

  // Of many thousands, those that were looked at long ago can be asked for again.
  #forgetSome() {
    if (this.sections.length < 2) return
    let kept = this.sections.reduce((sum, one) => sum + one.photos.length, 0)
    for (const one of [...this.sections].sort((a, b) => a.used - b.used)) {
      if (kept <= MOST_KEPT) return
      if (one.isFixed || one.loading || one.used > this.uses - 20) continue
      kept -= one.photos.length
      one.forget()
    }
  }
}

const keyOf = (periods) => `${periods[0].period}..${periods.at(-1).period}`
