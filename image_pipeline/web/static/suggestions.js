// Completion in the box: names of filters, and values that the photographs have, with how many have them.

import { get } from './api.js'
import { byId, element } from './element.js'
import { number, quoted } from './texts.js'

const EVERYWHERE = ['person', 'keyword', 'city', 'country', 'camera', 'year', 'directory']
const PAUSE = 160

export class Suggestions {
  constructor(input, list, { filters, chosen }) {
    Object.assign(this, { input, list, filters, chosen })
    const rows = [...byId('filters').querySelectorAll('[data-filter]')]
    this.names = rows.map((row) => ({ name: row.dataset.filter, meaning: row.lastElementChild.textContent }))
    this.facets = new Set(rows.map((row) => row.dataset.facet).filter(Boolean))
    this.options = []
    this.active = -1
    list.addEventListener('pointerdown', (event) => {
      event.preventDefault() // the box keeps the focus
      const option = event.target.closest('[role=option]')
      if (option) this.#choose([...list.children].indexOf(option))
    })
  }

  typed() { this.#later(false) }

  // Show what there is, although nothing was typed.
  asked() { this.#later(true) }

  #later(isAsked) {
    clearTimeout(this.waiting)
    this.aborting?.abort()
    this.waiting = setTimeout(() => this.#suggest(isAsked), isAsked ? 0 : PAUSE)
  }

  hide() {
    clearTimeout(this.waiting)
    this.aborting?.abort()
    this.#show([])
  }

  // Whether a key was for the suggestions.
  key(event) {
    if (this.options.length === 0) {
      if (event.key !== 'ArrowDown') return false
      this.asked()
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const step = event.key === 'ArrowDown' ? 1 : -1
      const count = this.options.length + 1 // one is the box itself
      this.#activate(((this.active + 1 + step + count) % count) - 1)
    } else if (event.key === 'Enter' && this.active >= 0) {
      this.#choose(this.active)
    } else if (event.key === 'Escape') {
      this.hide()
    } else {
      return false
    }
    event.preventDefault()
    return true
  }

  async #suggest(isAsked) {
    const token = tokenBefore(this.input.value.slice(0, this.input.selectionStart))
    if (!token.text && !token.name && !isAsked) return this.#show([])
    this.aborting = new AbortController()
    const { signal } = this.aborting
    try {
      if (token.name) {
        if (token.name === 'near') return this.#show(await this.#towns(token.text, signal))
        if (!this.facets.has(token.name)) return this.#show([])
        return this.#show(await this.#values(token.name, token.text, 8, signal))
      }
      const names = this.names.filter(({ name }) => name.startsWith(token.text.toLowerCase()))
      const options = names.map(({ name, meaning }) => ({ text: `${name}:`, shown: `${name}:`, about: meaning, isName: true }))
      if (token.text.length >= 2) {
        const found = await Promise.all(EVERYWHERE.map((field) => this.#values(field, token.text, 3, signal)))
        options.push(...found.flat().sort((a, b) => b.count - a.count).slice(0, 7))
      }
      this.#show(options)
    } catch (error) {
      if (error.name !== 'AbortError') this.#show([])
    }
  }

  async #values(field, prefix, limit, signal) {
    const { values } = await get('/facets', { field, prefix, limit, q: this.filters() }, signal)
    const textOf = (value) => (field === 'year' ? String(value) : `${field}:${quoted(String(value))}`)
    return values.map(({ value, count }) => ({ text: textOf(value), name: field, shown: String(value), about: number(count), count }))
  }

  // Towns in which photographs were taken, each with a usual distance.
  async #towns(prefix, signal) {
    const towns = await this.#values('city', prefix, 8, signal)
    return towns.map(({ shown, ...town }) => ({ ...town, shown: `${shown}, 10 km`, name: 'near', text: `near:${quoted(shown)},10km` }))
  }

  #show(options) {
    this.options = document.activeElement === this.input ? options : []
    this.list.replaceChildren(...this.options.map(({ name, shown, about }, at) => element('li', { role: 'option', id: `option-${at}`, 'aria-selected': 'false' },
      element('span', { class: 'value' }, name && element('span', { class: 'field' }, name), ' ', shown), ' ', element('span', { class: 'about' }, about))))
    this.list.hidden = this.options.length === 0
    this.input.setAttribute('aria-expanded', String(this.options.length > 0))
    this.#activate(-1)
  }

  #activate(at) {
    this.active = at
    for (const [number, option] of [...this.list.children].entries()) option.setAttribute('aria-selected', String(number === at))
    if (at < 0) return this.input.removeAttribute('aria-activedescendant')
    this.input.setAttribute('aria-activedescendant', `option-${at}`)
    this.list.children[at].scrollIntoView({ block: 'nearest' })
  }

  #choose(at) {
    const { text, isName } = this.options[at]
    const { value } = this.input
    const { start, end, minus, values } = tokenBefore(value.slice(0, this.input.selectionStart))
    const made = values ? `${minus}${values}${text.slice(text.indexOf(':') + 1)}` : `${minus}${text}`
    this.input.value = `${value.slice(0, start)}${made}${value.slice(end)}`
    const caret = start + made.length
    this.input.setSelectionRange(caret, caret)
    if (isName) return this.typed()
    this.hide()
    this.chosen()
  }
}

// What is being typed at the end of a text: its filter's name, the beginning of its value, and where it is. `values`
// are the name and the values before the last comma.
export function tokenBefore(text) {
  let start = 0
  let isQuoted = false
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '"') isQuoted = !isQuoted
    else if (text[at] === ' ' && !isQuoted) start = at + 1
  }
  const [, minus, name, rest] = text.slice(start).match(/^(-?)(?:([A-Za-z]+):)?(.*)$/s)
  const comma = name ? rest.lastIndexOf(',') + 1 : 0
  const values = comma ? `${name}:${rest.slice(0, comma)}` : ''
  return { start, end: text.length, minus, name: name?.toLowerCase() ?? '', text: rest.slice(comma).replaceAll('"', ''), values }
}
