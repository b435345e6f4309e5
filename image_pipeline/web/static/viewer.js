// The viewer: one photograph, as large as the window, its neighbours, and what is known of it.

import { get, largeThumbnail, original, thumbnail } from './api.js'
import { announce, byId, element, iconButton } from './element.js'
import { Panel } from './panel.js'
import { dateText, fileName } from './texts.js'
import { Zoom } from './zoom.js'

const SMALLEST = 480 // px of the longer side
const SHOWN_BY_BROWSERS = new Set(['jpeg', 'png', 'webp', 'gif', 'avif'])

export class Viewer {
  // `photographs` is the view behind it.
  constructor(address, photographs) {
    this.address = address
    this.photographs = photographs
    this.dialog = byId('viewer')
    this.picture = element('img', { alt: '', draggable: 'false' })
    this.previous = iconButton('left', 'Previous photograph', () => this.#step(-1), { class: 'plain previous' })
    this.next = iconButton('right', 'Next photograph', () => this.#step(1), { class: 'plain next' })
    this.message = element('p', { class: 'message', role: 'status' })
    this.frame = element('div', { class: 'frame' }, this.picture, this.message)
    this.title = element('h2', { class: 'title' })
    this.toggle = iconButton('info', 'What is known of it', () => this.#showPanel(this.panel.root.hidden), { 'aria-expanded': 'false', 'aria-controls': 'panel' })
    this.zoom = new Zoom(this.frame, {
      zoomed: () => this.#sharpen(),
      swiped: (step) => this.#step(step),
      tapped: () => this.close(),
    })
    this.panel = new Panel(address, () => this.photographs.results?.isCompared)
    this.dialog.append(
      element('p', { class: 'unseen live', role: 'status' }),
      element('div', { class: 'bar' }, this.title,
        iconButton('minus', 'Smaller', () => this.zoom.smaller()), iconButton('plus', 'Larger', () => this.zoom.larger()),
        this.toggle, iconButton('close', 'Close', () => this.close())),
      element('div', { class: 'stage' }, this.frame, this.previous, this.next), this.panel.root)
    this.dialog.addEventListener('cancel', (event) => {
      event.preventDefault()
      this.close()
    })
    this.dialog.addEventListener('keydown', (event) => this.#key(event))
    this.#showPanel(innerWidth >= 1000 && localStorage.getItem('panel') !== 'closed', false)
  }

  // Open a photograph of the grid.
  open(id) {
    this.photographs.remember()
    this.address.go({ photo: id }, { memory: { ...history.state, isOpened: true } })
  }

  // Show what a state says.
  show({ photo }) {
    if (photo === null) return this.#hide()
    if (!this.dialog.open) {
      this.dialog.showModal()
      document.body.classList.add('covered')
      this.frame.tabIndex = -1
      this.frame.focus()
    }
    if (this.id !== photo) this.#load(photo)
    else this.#neighbours()
  }

  // There may be more neighbours now.
  changed() {
    if (this.id) this.#neighbours()
    else if (this.left) this.#return(this.left)
  }

  close() {
    if (this.address.recall('isOpened')) history.back()
    else this.address.go({ photo: null }, { replace: true })
  }

  #hide() {
    if (!this.id) return
    if (this.dialog.open) this.dialog.close() // a browser may have closed it by itself
    document.body.classList.remove('covered')
    const id = this.id
    this.id = null
    this.picture.removeAttribute('src')
    this.#return(id)
  }

  // Go back to the photograph in the grid; if the grid is not there yet, as soon as it is.
  #return(id) {
    if (byId('photographs').hidden) return
    const place = this.photographs.results?.find(id)
    this.left = place || this.photographs.results ? null : id
    if (place) this.photographs.grid.reveal(place, true)
  }

  async #load(id) {
    this.id = id
    this.isSharp = false
    this.record = null
    this.message.textContent = ''
    const known = this.#photo()
    this.#title(known ? { path: known.paths[0], taken_local: known.taken_local, taken_precision: known.taken_precision } : null)
    this.zoom.show(this.picture)
    if (known) this.#picture(known)
    else this.picture.removeAttribute('src')
    this.#neighbours()
    this.panel.wait()
    try {
      const record = await get(`/photos/${id}`)
      if (this.id !== id) return
      this.record = record
      if (!known) this.#picture(record.facts)
      this.#title({ ...record.facts, path: record.path })
      this.panel.show(record, known?.why)
      announce(`${fileName(record.path)}. ${record.facts.caption ?? ''}`)
    } catch (error) {
      if (this.id === id) this.message.textContent = error.message
    }
  }

  #photo() {
    const place = this.photographs.results?.find(this.id)
    return place ? this.photographs.results.at(place) : null
  }

  // The small thumbnail at once, and the large one when it is there.
  #picture({ sha256, caption, width, height }) {
    const { id, picture } = this
    const most = Math.max(1, SMALLEST / Math.max(width ?? 0, height ?? 0, 1)) // small ones are not made much larger
    picture.style.maxWidth = width ? `${width * most}px` : ''
    picture.style.maxHeight = height ? `${height * most}px` : ''
    picture.alt = caption || 'Photograph'
    picture.src = thumbnail(sha256)
    const large = new Image()
    large.src = largeThumbnail(sha256)
    large.decode().then(
      () => { if (this.id === id && !this.isSharp) picture.src = large.src },
      () => { if (this.id === id) this.#notDecoded(sha256) },
    )
  }

  // Why there is no larger picture, in the words of the server.
  async #notDecoded(sha256) {
    const answer = await fetch(largeThumbnail(sha256)).catch(() => null)
    const body = answer && !answer.ok ? await answer.json().catch(() => null) : null
    if (body) this.message.textContent = body.error.message
  }

  // The original, for those who look closely, if the browser can show it.
  #sharpen() {
    const { id, record } = this
    if (this.isSharp || !record || !SHOWN_BY_BROWSERS.has(record.facts.format)) return
    if (Math.max(record.facts.width ?? 0, record.facts.height ?? 0) <= 1024) return
    this.isSharp = true
    const large = new Image()
    large.src = original(id)
    large.decode().then(() => { if (this.id === id) this.picture.src = large.src }, () => {})
  }

  async #neighbours() {
    const { results } = this.photographs
    const place = results?.find(this.id)
    for (const [button, step] of [[this.previous, -1], [this.next, 1]]) {
      const beside = place && results.beside(place, step)
      button.hidden = !beside
      const photo = beside && results.at(beside)
      if (photo) new Image().src = largeThumbnail(photo.sha256)
      else if (beside && !results.sections[beside.section].error) results.need(results.sections[beside.section], beside.number)
    }
  }

  async #step(step) {
    const { results } = this.photographs
    const place = results?.find(this.id)
    const beside = place && results.beside(place, step)
    if (!beside) return
    const photo = await results.need(results.sections[beside.section], beside.number)
    if (photo) this.#goTo(photo.id)
  }

  #goTo(id) { this.address.go({ photo: id }, { replace: true }) }

  #title(facts) {
    document.title = facts ? fileName(facts.path) : 'Photograph'
    this.title.replaceChildren(...(facts ? [element('span', {}, fileName(facts.path)), element('small', {}, dateText(facts.taken_local, facts.taken_precision, true))] : []))
  }

  #showPanel(isShown, isChosen = true) {
    this.panel.root.hidden = !isShown
    this.dialog.classList.toggle('with-panel', isShown)
    this.toggle.setAttribute('aria-expanded', String(isShown))
    if (isChosen) localStorage.setItem('panel', isShown ? 'open' : 'closed')
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, textarea')) return
    const act = {
      ArrowRight: () => this.#step(1),
      ArrowLeft: () => this.#step(-1),
      '+': () => this.zoom.larger(),
      '=': () => this.zoom.larger(),
      '-': () => this.zoom.smaller(),
      0: () => this.zoom.reset(),
      i: () => this.#showPanel(this.panel.root.hidden),
    }[event.key]
    if (!act) return
    event.preventDefault()
    act()
  }
}
