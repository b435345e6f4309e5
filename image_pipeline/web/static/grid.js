// The grid: sections of justified rows in a page of their whole height, of which only what is near the window exists.

import { element } from './element.js'
import { Layouts, TITLE } from './layouts.js'
import { tile } from './tile.js'

const AROUND = 700
const WAIT = 90

export class Grid {
  // `addressOf(photo)` is where a tile leads, `open(place)` is called when it is chosen.
  constructor(root, { addressOf, moved }) {
    this.root = root
    this.addressOf = addressOf
    this.moved = moved
    this.results = null
    this.size = 'comfortable'
    this.active = null // the place that the keyboard is at
    this.drawn = new Map()
    this.layouts = new Layouts()
    this.tops = []
    addEventListener('scroll', () => this.#later(), { passive: true })
    new ResizeObserver(() => this.layOut()).observe(root)
  }

  // Show other results, from an anchor on: {key, number, offset}.
  show(results, anchor = null) {
    this.clear()
    this.results = results
    this.active = null
    this.layOut(anchor)
  }

  clear() {
    for (const one of this.drawn.values()) one.node.remove()
    this.drawn.clear()
    this.layouts.clear()
    this.results = null
    this.kept = null
    this.tops = []
    this.root.style.height = '0px'
  }

  setSize(size) {
    if (size === this.size) return
    this.size = size
    this.layOut()
  }

  // Where things are, after anything has changed; what is at the top of the window stays there.
  layOut(anchor = this.kept) {
    const width = this.root.clientWidth
    if (!this.results || width === 0) return
    this.layouts.fit(width, this.size)
    let top = 0
    this.tops = this.results.sections.map((section) => {
      const at = top
      const height = this.layouts.heightOf(section)
      top += height + (section.title ? 18 : 0)
      return at
    })
    this.root.style.height = `${Math.ceil(top)}px`
    if (anchor) this.#scrollTo(anchor)
    this.draw()
  }

  // What is at the top of the window, if anything was scrolled: {key, number, offset}.
  anchor() {
    if (!this.results || this.tops.length === 0) return null
    const top = this.#windowTop()
    if (top <= 0) return null
    const number = this.#sectionAt(top)
    const section = this.results.sections[number]
    const within = top - this.tops[number] - (section.title ? TITLE : 0)
    const { rows } = this.layouts.of(section)
    const row = rows.findLast((one) => one.top <= within) ?? rows[0]
    return row ? { key: section.key, number: row.first, offset: within - row.top } : null
  }

  // Scroll until a photograph is in the window, and load it.
  async reveal({ section, number }, focus = false) {
    const one = this.results.sections[section]
    this.active = { section, number }
    const results = this.results
    await results.need(one, number)
    if (this.results !== results) return
    number = Math.min(number, one.count - 1) // copies make one photograph, so that there may be fewer than it seemed
    this.active = { section, number }
    this.layOut()
    const { rows } = this.layouts.of(one)
    const row = rows.find(({ last }) => number < last)
    if (!row) return
    const top = this.tops[section] + (one.title ? TITLE : 0) + row.top
    const from = this.#windowTop()
    const seen = innerHeight - this.#headerHeight()
    if (top < from + 4) scrollTo({ top: this.#offset() + top - 8 - (row.top === 0 ? TITLE : 0) })
    else if (top + row.height > from + seen) scrollTo({ top: this.#offset() + top + row.height - seen + 8 })
    this.draw()
    if (focus) this.#linkOf(this.active)?.focus({ preventScroll: true })
  }

  // Scroll to a share (0 to 1) of a section.
  jump(number, share) {
    const section = this.results.sections[number]
    scrollTo({ top: share === 0 && number === 0 ? 0 : this.#offset() + this.tops[number] + share * this.layouts.heightOf(section) })
  }

  // The section at the top of the window, and the share of it that is above.
  position() {
    if (!this.results || this.tops.length === 0) return { section: 0, share: 0 }
    const top = Math.max(0, this.#windowTop())
    const section = this.#sectionAt(top)
    return { section, share: Math.min(1, (top - this.tops[section]) / this.layouts.heightOf(this.results.sections[section])) }
  }

  // The place above or below another one, nearest to its middle.
  vertical({ section, number }, step) {
    const layout = this.layouts.of(this.results.sections[section])
    const middle = layout.lefts[number] + layout.widths[number] / 2
    let row = layout.rows.findIndex(({ last }) => number < last) + step
    let rows = layout
    if (!layout.rows[row]) {
      section += step
      if (!this.results.sections[section]) return null
      rows = this.layouts.of(this.results.sections[section])
      row = step > 0 ? 0 : rows.rows.length - 1
    }
    const { first, last } = rows.rows[row]
    let best = first
    for (let one = first; one < last; one += 1) {
      if (rows.lefts[one] <= middle) best = one
    }
    return { section, number: best }
  }

  placeOf(link) {
    const tile = link?.closest?.('.tile')
    return tile ? { section: Number(tile.parentElement.dataset.section), number: Number(tile.dataset.number) } : null
  }

  // Make what is near the window exist, and nothing else; load what is missing there.
  draw() {
    if (!this.results || this.root.clientWidth === 0) return // another view is shown
    const from = this.#windowTop() - AROUND
    const to = from + innerHeight + 2 * AROUND
    const wanted = new Set()
    for (let number = this.#sectionAt(Math.max(0, from)); number < this.tops.length && this.tops[number] < to; number += 1) {
      wanted.add(number)
      this.#drawSection(number, from - this.tops[number], to - this.tops[number])
    }
    for (const [number, one] of this.drawn) {
      if (wanted.has(number)) continue
      one.node.remove()
      this.drawn.delete(number)
    }
    this.#setTabStop()
    this.kept = this.anchor()
  }

  #drawSection(number, from, to) {
    const section = this.results.sections[number]
    const layout = this.layouts.of(section)
    const head = section.title ? TITLE : 0
    let one = this.drawn.get(number)
    if (!one) {
      const list = element('ul', { 'data-section': number })
      const node = element('section', { class: 'section' }, section.title && element('h2', {}, section.title), list)
      one = { node, list, tiles: new Map(), version: -1 }
      const following = [...this.drawn.keys()].filter((other) => other > number).sort((a, b) => a - b)[0]
      this.root.insertBefore(node, following === undefined ? null : this.drawn.get(following).node)
      this.drawn.set(number, one)
    }
    one.node.style.transform = `translateY(${this.tops[number]}px)`
    if (one.layout !== layout) {
      for (const [at, node] of one.tiles) {
        if (node.photo === (section.photos[at] ?? null) && at < section.count) place(node, layout, at, head)
        else { node.remove(); one.tiles.delete(at) }
      }
      one.layout = layout
    }
    const rows = layout.rows.filter((row) => row.top + row.height + head >= from && row.top + head <= to)
    const first = rows[0]?.first ?? 0
    const last = rows.at(-1)?.last ?? 0
    for (const [at, node] of one.tiles) {
      if (at >= first && at < last) continue
      node.remove()
      one.tiles.delete(at)
    }
    let before = null
    for (let at = last - 1; at >= first; at -= 1) {
      let node = one.tiles.get(at)
      if (!node) {
        const photo = section.photos[at] ?? null
        node = tile(photo, photo && this.addressOf(photo))
        node.photo = photo
        node.dataset.number = at
        place(node, layout, at, head)
        one.tiles.set(at, node)
        one.list.insertBefore(node, before)
      }
      before = node
    }
    const isMissing = last > section.photos.length && !section.isComplete
    if (isMissing && !section.loading && !section.error) this.#load(section, last - 1)
  }

  // Wait a little: while somebody scrolls past, nothing has to be loaded.
  #load(section, number) {
    clearTimeout(this.waiting)
    const results = this.results
    this.waiting = setTimeout(() => {
      if (this.results !== results) return
      results.need(section, number)
      for (const one of this.drawn.keys()) {
        const other = results.sections[one]
        if (other !== section && !other.isComplete && !other.loading && other.photos.length === 0) results.need(other, 0)
      }
    }, performance.now() - (this.loadedAt ?? 0) > 400 ? 0 : WAIT)
    this.loadedAt = performance.now()
  }

  #later() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null
      this.draw()
      this.moved()
    })
  }

  #scrollTo({ key, number, offset }) {
    const at = this.results.sections.findIndex((one) => one.key === key)
    if (at < 0) return
    const section = this.results.sections[at]
    const row = this.layouts.of(section).rows.find(({ last }) => number < last)
    const top = this.#offset() + this.tops[at] + (section.title ? TITLE : 0) + (row?.top ?? 0) + offset
    if (Math.abs(top - scrollY) >= 1) scrollTo({ top })
  }

  #setTabStop() {
    const place = this.active ?? { section: 0, number: 0 }
    const link = this.#linkOf(place) ?? this.root.querySelector('a')
    if (this.stop && this.stop !== link) this.stop.tabIndex = -1
    if (link) link.tabIndex = 0
    this.stop = link
  }

  #linkOf({ section, number }) {
    return this.drawn.get(section)?.tiles.get(number)?.querySelector('a') ?? null
  }

  #sectionAt(top) {
    let [low, high] = [0, this.tops.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (this.tops[middle] <= top) low = middle
      else high = middle - 1
    }
    return low
  }

  #offset() { return this.root.offsetTop - this.#headerHeight() }

  #windowTop() { return scrollY - this.#offset() }

  #headerHeight() { return document.getElementById('header').offsetHeight }
}

function place(node, layout, number, head) {
  const row = layout.rows.find(({ last }) => number < last)
  node.style.transform = `translate(${layout.lefts[number]}px, ${head + row.top}px)`
  node.style.width = `${layout.widths[number]}px`
  node.style.height = `${row.height}px`
}
