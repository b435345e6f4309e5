// The search box: words as they are typed, filters as chips.

import { get } from './api.js'
import { Chips } from './chips.js'
import { byId } from './element.js'
import { Suggestions } from './suggestions.js'

const PAUSE = 130
const LONG_PAUSE = 900

export class Box {
  // `address` is where searches go.
  constructor(address) {
    this.address = address
    this.input = byId('query')
    this.filters = [] // texts of the chips
    this.chips = new Chips(byId('chips'), this.input, {
      remove: (number) => this.#changeFilters(this.filters.filter((_, one) => one !== number)),
      edit: (number) => this.#edit(number),
      leave: (name, id) => this.#leave(name, id),
    })
    this.suggestions = new Suggestions(this.input, byId('suggestions'), {
      filters: () => this.filters.join(' '),
      chosen: () => this.#commit(),
    })
    this.input.addEventListener('input', () => this.#typed())
    this.input.addEventListener('keydown', (event) => this.#key(event))
    this.input.addEventListener('click', () => this.suggestions.asked())
    this.input.addEventListener('blur', () => setTimeout(() => this.#left(), 150))
    byId('search').addEventListener('submit', (event) => {
      event.preventDefault()
      this.#commit()
    })
    byId('box').addEventListener('click', (event) => { if (event.target === event.currentTarget) this.input.focus() })
    byId('clear').addEventListener('click', () => {
      this.address.search({}, {})
      this.input.focus()
    })
  }

  // Show the search of a state that did not come from here.
  async show(state) {
    byId('clear').hidden = !(state.q.trim() || state.like.length || state.unlike.length || state.picture)
    this.chips.showExamples(state)
    if (state.q.trim() === this.#text().trim()) return
    this.filters = []
    this.chips.showFilters([])
    this.input.value = state.q
    this.#complain(null)
    await this.#divide(true)
  }

  #text() { return [...this.filters, this.input.value].join(' ') }

  #typed() {
    clearTimeout(this.waiting)
    clearTimeout(this.complaining)
    this.#complain(null)
    this.waiting = setTimeout(() => this.#search(), PAUSE)
    this.complaining = setTimeout(() => { if (this.problem) this.#complain(this.problem) }, LONG_PAUSE)
    this.suggestions.typed()
  }

  async #search() {
    const parsed = await this.#divide(false)
    if (!parsed) return
    this.problem = parsed.error
    if (parsed.error) return
    this.#go(this.#text(), { replace: this.isTyping })
    this.isTyping = true
  }

  async #commit() {
    clearTimeout(this.waiting)
    this.suggestions.hide()
    const parsed = await this.#divide(true)
    if (!parsed) return
    this.problem = parsed.error
    if (parsed.error) return this.#complain(parsed.error)
    this.#go(this.#text(), { replace: this.isTyping })
    this.isTyping = false
  }

  #left() {
    this.isTyping = false
    if (document.activeElement !== this.input) {
      this.suggestions.hide()
      if (this.input.value.trim()) this.#divide(true)
    }
  }

  #go(q, options = {}) {
    const { view } = this.address.state
    this.address.go({ q: q.trim(), view: view === '/map' ? view : '/', photo: null, all: false }, options)
  }

  // Take the filters out of what is typed; the one at the caret only if it is `whole`. The answer of /parse, or null.
  async #divide(whole) {
    const asked = this.#text()
    const parsed = await get('/parse', { q: asked }).catch((error) => {
      this.#complain({ message: error.message, start: 0, end: 0 })
    })
    if (!parsed || asked !== this.#text()) return null
    if (parsed.error) return parsed
    const points = Array.from(asked)
    // the filter at the caret may not be finished
    const caret = points.length - Array.from(this.input.value.slice(this.input.selectionEnd)).length
    const isOpen = ({ start, end }) => !whole && start <= caret && caret <= end
    const filters = parsed.chips.filter((chip) => !isOpen(chip))
    const texts = filters.map(({ start, end }) => points.slice(start, end).join(''))
    if (texts.length === this.filters.length && texts.every((text, number) => text === this.filters[number])) return parsed
    for (const { start, end } of filters) points.fill('', start, end)
    const rest = points.join('')
    this.filters = texts
    this.input.value = whole ? rest.trim().replace(/\s+/g, ' ') : rest.trimStart()
    this.chips.showFilters(filters.map((chip, number) => ({ ...chip, text: texts[number] })))
    return parsed
  }

  #changeFilters(filters) {
    this.filters = filters
    this.chips.showFilters(filters.map((text) => ({ text })))
    this.#go(this.#text())
  }

  // A chip becomes text again.
  #edit(number) {
    const text = this.filters[number]
    this.filters = this.filters.filter((_, one) => one !== number)
    this.chips.showFilters(this.filters.map((one) => ({ text: one })))
    this.input.value = `${text}${this.input.value && ' '}${this.input.value}`
    this.input.focus()
    this.input.setSelectionRange(text.length, text.length)
    this.suggestions.typed()
  }

  #leave(name, id) {
    const { state } = this.address
    this.address.go({ [name]: name === 'picture' ? null : state[name].filter((one) => one !== id), photo: null })
  }

  #key(event) {
    if (this.suggestions.key(event)) return
    if (event.key === 'Escape') {
      this.input.blur()
    } else if (event.key === 'Backspace' && this.input.selectionEnd === 0 && this.filters.length > 0) {
      event.preventDefault()
      this.#edit(this.filters.length - 1)
    } else if (event.key === 'ArrowLeft' && this.input.selectionEnd === 0 && this.chips.focusLast()) {
      event.preventDefault()
    }
  }

  #complain(problem) {
    const shown = byId('query-error')
    shown.textContent = problem ? problem.message : ''
    this.input.toggleAttribute('aria-invalid', Boolean(problem))
    if (!problem) return
    const chips = Array.from(this.filters.join(' ')).length + (this.filters.length ? 1 : 0)
    const start = problem.start - chips
    if (start >= 0 && document.activeElement === this.input) {
      const before = Array.from(this.input.value).slice(0, start).join('').length
      const marked = Array.from(this.input.value).slice(start, problem.end - chips).join('').length
      this.input.setSelectionRange(before, before + marked)
    }
  }
}
