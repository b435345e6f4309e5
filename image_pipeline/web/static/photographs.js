// The view of photographs: the results of a search in the grid, what is said about them, the scrubber beside them.

import { ApiError } from './api.js'
import { addressOf, searchKey } from './address.js'
import { announce, byId, element } from './element.js'
import { Grid } from './grid.js'
import { keptPicture } from './picture.js'
import { Results } from './results.js'
import { Scrubber } from './scrubber.js'
import { counted, number } from './texts.js'

const KEPT_SEARCHES = 4

export class Photographs {
  constructor(address, { open, changed }) {
    this.address = address
    this.changed = changed
    this.kept = new Map() // results by their keys, the one used last at the end
    this.grid = new Grid(byId('grid'), {
      addressOf: (photo) => addressOf({ ...address.state, view: '/', photo: photo.id }),
      moved: () => this.#moved(),
    })
    this.scrubber = new Scrubber(byId('scrubber'), this.grid)
    const root = byId('grid')
    root.addEventListener('click', (event) => {
      const link = event.target.closest('a')
      if (!link || event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
      event.preventDefault()
      this.grid.active = this.grid.placeOf(link)
      open(link.dataset.id)
    })
    root.addEventListener('keydown', (event) => this.#key(event))
    byId('sort').addEventListener('change', (event) => {
      const sort = event.target.value
      const usual = this.results?.isCompared ? 'relevance' : 'newest'
      address.go({ sort: sort === usual ? null : sort })
    })
    byId('size').addEventListener('click', () => {
      this.#setSize(this.grid.size === 'dense' ? 'comfortable' : 'dense')
      localStorage.setItem('size', this.grid.size)
    })
    this.#setSize(localStorage.getItem('size') === 'dense' ? 'dense' : 'comfortable')
  }

  get results() { return this.grid.results }

  show(state) {
    const wasHidden = byId('photographs').hidden
    byId('photographs').hidden = false
    const key = searchKey(state)
    if (this.key === key && this.results) {
      this.scrubber.show(this.results)
      if (wasHidden) this.grid.layOut(this.address.recall('anchor') ?? this.grid.kept)
      return
    }
    this.key = key
    let results = this.kept.get(key)
    this.kept.delete(key)
    const isKnown = results?.isOpen
    if (!isKnown) {
      results = new Results(state, () => { if (this.pending === results || this.results === results) this.#arrived(results) })
      if (!this.opening?.isOpen) this.opening?.close() // what is complete is kept, and loads more when one comes back
      this.opening = results
      results.open(() => this.#picture(state))
    }
    this.kept.set(key, results)
    if (this.kept.size > KEPT_SEARCHES) this.kept.delete(this.kept.keys().next().value)
    this.pending = results
    byId('photographs').setAttribute('aria-busy', String(!isKnown))
    // what was shown stays until there is something else, so that nothing flickers while somebody types
    if (!this.results) this.#skeleton()
    if (isKnown) this.#arrived(results)
  }

  hide() {
    byId('photographs').hidden = true
    this.scrubber.hide()
  }

  // Search again, as if the page had been loaded.
  again() {
    this.kept.delete(this.key)
    this.key = null
    this.show(this.address.state)
  }

  #setSize(size) {
    this.grid.setSize(size)
    byId('size').setAttribute('aria-pressed', String(size === 'dense'))
  }

  async #picture(state) {
    const picture = await keptPicture(state.picture)
    if (picture === null) throw new ApiError(0, 'picture', 'The picture of this search is not in this browser: drop it here again.')
    return picture
  }

  #arrived(results) {
    if (this.pending === results) {
      this.pending = null
      byId('photographs').setAttribute('aria-busy', 'false')
      byId('skeleton')?.remove()
      const anchor = this.address.recall('anchor')
      this.grid.clear()
      if (!anchor) scrollTo({ top: 0 })
      this.#note(results)
      this.scrubber.show(results) // before the grid, which is narrower beside it
      this.grid.show(results, anchor)
      if (anchor) this.#loadTo(results, anchor)
      announce(this.#said(results))
    } else {
      this.#note(results)
      this.grid.layOut()
      this.scrubber.show(results)
    }
    this.scrubber.moved()
    this.changed()
  }

  // The photographs up to where the window was.
  async #loadTo(results, { key, number: wanted, offset }) {
    const section = results.sections.find((one) => one.key === key)
    if (!section) return
    await results.need(section, wanted)
    if (this.results === results) this.grid.layOut({ key, number: wanted, offset })
  }

  #skeleton() {
    if (byId('skeleton')) return
    const tiles = Array.from({ length: 24 }, () => element('li', { class: 'tile waiting' }))
    byId('grid').before(element('ul', { id: 'skeleton', 'aria-hidden': 'true' }, tiles))
  }

  #said(results) {
    if (results.error) return results.error.message
    const { total } = results
    if (total !== null) return counted(total, 'photograph')
    if (results.count === 0) return results.leftOut ? 'Nothing close found' : 'No photographs found'
    return results.isComplete ? counted(results.count, 'photograph') : 'Many photographs, the most relevant first'
  }

  // What is said above and below the grid.
  #note(results) {
    const { state } = this.address
    const sort = byId('sort')
    sort.options[0].disabled = sort.options[0].hidden = !results.isCompared
    sort.value = state.sort ?? (results.isCompared ? 'relevance' : 'newest')
    const notes = []
    const nothing = []
    const act = (text, changes) => element('button', { type: 'button', click: () => this.address.go(changes) }, text)
    if (results.error) {
      byId('summary').replaceChildren()
      byId('nothing').replaceChildren(element('div', { class: 'nothing' }, element('p', {}, results.error.message),
        element('button', { type: 'button', click: () => this.again() }, 'Try again')))
      byId('after').replaceChildren()
      return
    }
    const isNothing = results.count === 0
    if (!isNothing) notes.push(element('p', { class: 'count' }, this.#countText(results)))
    if (results.resorted !== null && state.sort) {
      notes.push(element('p', {}, results.resorted >= 500 ? `Of the ${number(results.resorted)} most relevant photographs, the ${state.sort} first.` : `The ${state.sort} first.`))
    }
    if (!results.isCalibrated && results.parsed?.words && !isNothing) {
      notes.push(element('p', {}, 'It is not known which of them are close to the words: the first ones are the closest.'))
    }
    for (const { field, text, known, others } of results.unmatched) {
      nothing.push(element('p', { class: 'unmatched' }, `No photograph has ${field.replaceAll('_', ' ')} “${text}”.`,
        known.length > 0 && ` There is ${known.join(', ')}${others ? ` and ${counted(others, 'other')}` : ''}.`))
    }
    if (isNothing && results.leftOut) {
      nothing.push(element('div', { class: 'nothing' }, element('h2', {}, 'Nothing close found'),
        element('p', {}, `No photograph is close to these words. ${number(results.leftOut)} are less close.`),
        act('Show them, the closest first', { all: true })))
    } else if (isNothing) {
      const isAll = !state.q && !results.isCompared
      nothing.push(element('div', { class: 'nothing' }, element('h2', {}, isAll ? 'There are no photographs yet' : 'No photographs found'),
        element('p', {}, isAll ? 'Ingest a folder: image-pipeline ingest FOLDER' : 'Leave a filter out, or search for something else.')))
    }
    byId('summary').replaceChildren(...notes)
    byId('nothing').replaceChildren(...nothing)
    const below = []
    if (!isNothing && results.leftOut > 0 && results.isComplete) {
      below.push(element('p', {}, `${counted(results.leftOut, 'file')} are not close to the words. `, act('Show them, too', { all: true })))
    }
    const broken = results.sections.find(({ error }) => error)
    if (broken) {
      below.push(element('p', { role: 'alert' }, broken.error.message, ' ', element('button', { type: 'button', click: () => {
        if (broken.error.code === 'forgotten') return this.again()
        broken.error = null
        this.grid.draw()
        this.#note(results)
      } }, 'Try again')))
    }
    byId('after').replaceChildren(...below)
  }

  #countText(results) {
    if (results.total !== null) return counted(results.total, 'photograph')
    if (results.isComplete) return counted(results.count, 'photograph')
    return 'The most relevant first'
  }

  #moved() {
    this.scrubber.moved()
    clearTimeout(this.remembering)
    this.remembering = setTimeout(() => this.remember(), 150)
  }

  // Keep where the grid stands with this entry of the history.
  remember() {
    if (this.results && !this.pending && !byId('photographs').hidden) this.address.remember('anchor', this.grid.anchor())
  }

  #key(event) {
    const place = this.grid.placeOf(event.target)
    if (!place || event.ctrlKey || event.metaKey || event.altKey) return
    const { results } = this
    const last = results.sections.length - 1
    const next = {
      ArrowRight: () => results.beside(place, 1),
      ArrowLeft: () => results.beside(place, -1),
      ArrowDown: () => this.grid.vertical(place, 1),
      ArrowUp: () => this.grid.vertical(place, -1),
      Home: () => ({ section: 0, number: 0 }),
      End: () => ({ section: last, number: results.sections[last].count - 1 }),
    }[event.key]?.()
    if (next === undefined) return
    event.preventDefault()
    if (next) this.grid.reveal(next, true)
  }
}
