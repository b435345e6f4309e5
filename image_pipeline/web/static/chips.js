// The chips of the box: filters, and the pictures to search by. Each can be removed by mouse and keyboard.

import { get, thumbnail } from './api.js'
import { element, icon } from './element.js'
import { pictureAddress } from './picture.js'

const EXAMPLES = { like: 'like', unlike: 'unlike' }

export class Chips {
  constructor(list, input, { remove, edit, leave }) {
    Object.assign(this, { list, input, remove, edit, leave })
    this.filters = []
    this.examples = []
    this.hashes = new Map()
    list.addEventListener('keydown', (event) => this.#key(event))
  }

  // Filters: {text, name, negative}.
  showFilters(filters) {
    this.filters = filters.map(({ text }, number) => this.#filter(text, number))
    this.#show()
  }

  // The examples of a state, and its picture.
  showExamples({ like, unlike, picture }) {
    const made = [
      ...like.map((id) => this.#example('like', id)),
      ...unlike.map((id) => this.#example('unlike', id)),
      ...(picture ? [this.#picture(picture)] : []),
    ]
    this.examples = made
    this.#show()
  }

  // Whether there is a chip to go to.
  focusLast() {
    const buttons = [...this.list.querySelectorAll('.remove')]
    buttons.at(-1)?.focus()
    return buttons.length > 0
  }

  #show() {
    this.list.replaceChildren(...this.examples, ...this.filters)
    this.list.scrollLeft = this.list.scrollWidth // in a narrow window, the last one is in sight
  }

  #filter(text, number) {
    const [, minus, name, value] = text.match(/^(-?)(?:([A-Za-z]+):)?(.*)$/s)
    const shown = name === 'box' ? [element('b', {}, 'area'), ' on the map'] : [name && element('b', {}, name), ` ${value.replaceAll('"', '')}`]
    return element('li', { class: minus ? 'chip negative' : 'chip' },
      element('button', { type: 'button', class: 'edit', title: `Change ${text}`, 'aria-label': `Change ${text}`, click: () => this.edit(number) },
        element('span', {}, minus && 'not ', shown)),
      this.#remover(text, () => this.remove(number)))
  }

  #example(name, id) {
    const picture = element('img', { alt: '', width: 24, height: 24 })
    this.#hash(id).then((sha256) => { if (sha256) picture.src = thumbnail(sha256) })
    return element('li', { class: name === 'unlike' ? 'chip example negative' : 'chip example' },
      element('span', {}, EXAMPLES[name]), picture, this.#remover(`${EXAMPLES[name]} this photograph`, () => this.leave(name, id)))
  }

  #picture(key) {
    const picture = element('img', { alt: '', width: 24, height: 24 })
    pictureAddress(key).then((address) => { if (address) picture.src = address })
    return element('li', { class: 'chip example' }, element('span', {}, 'your picture'), picture,
      this.#remover('your picture', () => this.leave('picture')))
  }

  #remover(text, act) {
    return element('button', { type: 'button', class: 'remove', 'aria-label': `Remove ${text}`, title: 'Remove', click: () => {
      act()
      this.input.focus()
    } }, icon('close'))
  }

  #key(event) {
    const buttons = [...this.list.querySelectorAll('.remove')]
    const at = buttons.indexOf(document.activeElement)
    if (event.key === 'Delete' || event.key === 'Backspace') {
      if (at < 0) return
      event.preventDefault()
      buttons[at].click()
    } else if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      event.preventDefault()
      const next = at + (event.key === 'ArrowLeft' ? -1 : 1)
      if (next >= buttons.length) this.input.focus()
      else buttons[Math.max(0, next)].focus()
    }
  }

  #hash(id) {
    if (!this.hashes.has(id)) this.hashes.set(id, get(`/photos/${id}`).then(({ facts }) => facts.sha256, () => null))
    return this.hashes.get(id)
  }
}
