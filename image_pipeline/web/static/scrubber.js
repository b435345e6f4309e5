// The scrubber: a timeline beside the grid, as high as the window, in which one jumps to a month.

import { element } from './element.js'
import { UNDATED } from './periods.js'
import { counted, periodText } from './texts.js'

const APART = 22

export class Scrubber {
  constructor(root, grid) {
    this.root = root
    this.grid = grid
    this.thumb = element('div', { class: 'thumb', role: 'slider', tabindex: '0', 'aria-label': 'Date', 'aria-orientation': 'vertical', 'aria-valuemin': '0' })
    this.hint = element('output', { class: 'hint', 'aria-hidden': 'true', hidden: true })
    this.years = element('div', { class: 'years', 'aria-hidden': 'true' })
    root.append(this.years, this.thumb, this.hint)
    root.addEventListener('pointerdown', (event) => {
      root.setPointerCapture(event.pointerId)
      this.isDragged = true
      this.#point(event)
    })
    root.addEventListener('pointermove', (event) => this.#point(event))
    for (const name of ['pointerup', 'pointercancel']) {
      root.addEventListener(name, () => {
        this.isDragged = false
        this.hint.hidden = true
      })
    }
    root.addEventListener('pointerleave', () => { if (!this.isDragged) this.hint.hidden = true })
    this.thumb.addEventListener('keydown', (event) => this.#key(event))
    new ResizeObserver(() => this.#draw()).observe(root)
  }

  // For results in order of date; for others, there is none.
  show(results) {
    this.stops = []
    for (const [section, { periods, count }] of results.sections.entries()) {
      let before = 0
      const all = periods.reduce((sum, one) => sum + one.count, 0)
      for (const one of periods) {
        this.stops.push({ ...one, section, share: before / all, weight: (one.count / all) * count })
        before += one.count
      }
    }
    const isShown = this.stops.filter(({ period }) => period !== UNDATED).length > 1
    this.root.hidden = !isShown
    document.body.classList.toggle('dated', isShown)
    if (!isShown) return
    this.total = this.stops.reduce((sum, { weight }) => sum + weight, 0)
    let at = 0
    for (const stop of this.stops) {
      stop.at = at / this.total
      at += stop.weight
      stop.end = at / this.total
    }
    this.thumb.setAttribute('aria-valuemax', String(this.stops.length - 1))
    this.#draw()
    this.moved()
  }

  hide() {
    this.root.hidden = true
    document.body.classList.remove('dated')
  }

  // The grid was scrolled.
  moved() {
    if (this.root.hidden) return
    const { section, share } = this.grid.position()
    const inside = this.stops.filter((stop) => stop.section === section)
    if (inside.length === 0) return
    const at = inside[0].at + share * (inside.at(-1).end - inside[0].at)
    const number = this.#numberAt(at)
    this.number = number
    this.thumb.style.transform = `translateY(${at * this.height}px)`
    this.thumb.setAttribute('aria-valuenow', String(number))
    this.thumb.setAttribute('aria-valuetext', this.#textOf(number))
  }

  #draw() {
    if (!this.stops?.length || this.root.hidden) return
    this.height = this.root.clientHeight - 24
    const labels = []
    let year = ''
    let last = -Infinity
    for (const { period, at } of this.stops) {
      const own = period === UNDATED ? 'none' : period.slice(0, 4)
      const top = at * this.height
      if (own !== year && top - last >= APART) {
        const label = element('span', {}, own)
        label.style.transform = `translateY(${top}px)`
        labels.push(label)
        last = top
      } else if (own === year && top - last >= APART / 3) {
        const mark = element('i', {})
        mark.style.transform = `translateY(${top + 9}px)`
        labels.push(mark)
      }
      year = own
    }
    this.years.replaceChildren(...labels)
  }

  #numberAt(at) {
    const number = this.stops.findIndex(({ end }) => at < end)
    return number < 0 ? this.stops.length - 1 : number
  }

  #textOf(number) {
    const { period, count } = this.stops[number]
    return `${periodText(period)} · ${counted(count, 'photograph')}`
  }

  #point(event) {
    const top = event.clientY - this.root.getBoundingClientRect().top
    const at = Math.min(0.9999, Math.max(0, (top - 10) / this.height))
    const number = this.#numberAt(at)
    this.hint.hidden = false
    this.hint.textContent = this.#textOf(number)
    this.hint.style.transform = `translateY(${at * this.height}px)`
    if (this.isDragged) this.#jump(number, (at - this.stops[number].at) / Math.max(1e-9, this.stops[number].end - this.stops[number].at))
  }

  #jump(number, within = 0) {
    const stop = this.stops[number]
    const next = this.stops[number + 1]
    const end = next && next.section === stop.section ? next.share : 1
    this.grid.jump(stop.section, stop.share + within * (end - stop.share))
  }

  #key(event) {
    const { number } = this
    const year = this.stops[number].period.slice(0, 4)
    const other = (stop) => stop.period.slice(0, 4) !== year
    const previous = this.stops.slice(0, number).findLast(other)
    const next = {
      ArrowDown: number + 1,
      ArrowUp: number - 1,
      PageDown: this.stops.findIndex((stop, one) => one > number && other(stop)),
      PageUp: previous ? this.stops.findIndex((stop) => stop.period.slice(0, 4) === previous.period.slice(0, 4)) : -1,
      Home: 0,
      End: this.stops.length - 1,
    }[event.key]
    if (next === undefined) return
    event.preventDefault()
    if (this.stops[next]) this.#jump(next, 0.001)
  }
}
