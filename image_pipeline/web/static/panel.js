// The panel of the viewer: everything that is known of a photograph, and where to go from it.

import { original } from './api.js'
import { announce, element } from './element.js'
import { counted, dateText, directoryOf, fileName, momentText, quoted, sizeText, whyText } from './texts.js'

// Fields that are shown in words above; the rest is listed as it is.
const SHOWN = new Set(['path', 'format', 'size_bytes', 'width', 'height', 'taken_local', 'camera', 'camera_make', 'camera_model',
  'lens', 'iso', 'exposure_s', 'f_number', 'focal_length_mm', 'city', 'state', 'country', 'title', 'description', 'keywords',
  'people', 'rating', 'caption', 'place', 'altitude_m', 'taken_precision', 'damaged', 'directory', 'orientation', 'caption_confidence'])
const FROM = { original: 'the camera', digitized: 'the scan', name: 'the name of the file', sidecar: 'the sidecar', gps: 'GPS' }

export class Panel {
  // `isCompared()` says whether photographs are compared with anything, so that they can be unlike others, too.
  constructor(address, isCompared) {
    this.address = address
    this.isCompared = isCompared
    this.root = element('aside', { id: 'panel', 'aria-label': 'What is known of it' })
  }

  wait() { this.root.replaceChildren() }

  show(record, why) {
    const { facts } = record
    this.root.scrollTop = 0
    this.root.replaceChildren(
      element('div', { class: 'texts' },
        facts.title && element('h3', {}, facts.title),
        facts.caption && element('p', {}, facts.caption, ' ', element('small', {}, '(written by a model)')),
        facts.description && element('p', {}, facts.description),
        why && whyText(why) && element('p', { class: 'found' }, whyText(why))),
      this.#actions(record),
      this.#list([
        ['Taken', this.#taken(facts)],
        ['Place', this.#place(facts)],
        ['Camera', facts.camera && this.#link(facts.camera, { q: `camera:${quoted(facts.camera)}` })],
        ['Lens', facts.lens && this.#link(facts.lens, { q: `lens:${quoted(facts.lens)}` })],
        ['Exposure', exposure(facts)],
        ['People', this.#links('person', facts.people)],
        ['Keywords', this.#links('keyword', facts.keywords)],
        ['Rating', facts.rating !== null && (facts.rating < 0 ? 'rejected' : `${facts.rating} of 5`)],
        ['Picture', facts.width && `${facts.width} × ${facts.height}, ${facts.format}, ${sizeText(facts.size_bytes)}`],
        ['Damaged', facts.damaged],
        ['File', this.#path(record.path)],
        ['Also', this.#copies(record)],
      ]),
      element('details', {}, element('summary', {}, 'Everything else'),
        this.#list(Object.entries(facts).filter(([name, value]) => !SHOWN.has(name) && value !== null && value.length !== 0)
          .map(([name, value]) => [name.replaceAll('_', ' '), Array.isArray(value) ? value.join(', ') : String(value)])),
        element('h4', {}, 'History'),
        element('ul', { class: 'history' }, record.history.map(({ at, event, run_id: run, message }) =>
          element('li', {}, `${momentText(at)}: ${event.replaceAll('_', ' ')}${message ? ` (${message})` : ''}`, element('small', {}, ` run ${run.slice(0, 8)}`))))))
  }

  #actions({ id, path, facts }) {
    const { address } = this
    const { like, unlike } = address.state
    const without = (ids) => ids.filter((one) => one !== id)
    const go = (text, act, title) => element('button', { type: 'button', click: act, title }, text)
    const day = facts.taken_local?.slice(0, { year: 4, month: 7 }[facts.taken_precision] ?? 10)
    const folder = directoryOf(path)
    return element('div', { class: 'actions' },
      go('More like this', () => address.go({ like: [...without(like), id], unlike: without(unlike), photo: null, view: '/' })),
      this.isCompared() && go('Less like this', () => address.go({ unlike: [...without(unlike), id], like: without(like), photo: null, view: '/' })),
      day && go({ 4: 'Same year', 7: 'Same month', 10: 'Same day' }[day.length], () => address.search({ q: day })),
      facts.place && go('Near here', () => address.search({ q: `near:${facts.place.lat.toFixed(5)},${facts.place.lon.toFixed(5)},2km` })),
      go('This folder', () => address.search({ q: `directory:${folder ? quoted(folder) : '.'}` })),
      element('a', { href: original(id), target: '_blank', rel: 'noopener' }, 'Open original'),
      element('a', { href: original(id), download: fileName(path) }, 'Download'),
      go('Copy path', (event) => this.#copy(path, event.target)))
  }

  async #copy(path, button) {
    try {
      await navigator.clipboard.writeText(path)
    } catch { // only pages with TLS, and those of this machine, may use the clipboard
      const field = element('textarea', { class: 'unseen', readonly: true }, path)
      this.root.append(field)
      field.select()
      document.execCommand('copy')
      field.remove()
      button.focus()
    }
    button.textContent = 'Copied'
    announce('The path was copied')
    setTimeout(() => { button.textContent = 'Copy path' }, 1500)
  }

  #list(pairs) {
    return element('dl', {}, pairs.filter(([, value]) => value).map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))))
  }

  #link(text, search) {
    return element('button', { type: 'button', class: 'link', click: () => this.address.search(search) }, text)
  }

  #links(name, values) {
    return values?.length ? values.flatMap((value, number) => [number > 0 && ', ', this.#link(value, { q: `${name}:${quoted(value)}` })]) : null
  }

  #taken(facts) {
    if (!facts.taken_local) return 'at an unknown date'
    const from = facts.taken_from && ` (from ${FROM[facts.taken_from] ?? facts.taken_from.replaceAll('_', ' ')})`
    return `${dateText(facts.taken_local, facts.taken_precision, true)}${from ?? ''}`
  }

  #place(facts) {
    const names = [facts.city, facts.state, facts.country].filter(Boolean).join(', ')
    const degrees = facts.place && `${facts.place.lat.toFixed(4)}, ${facts.place.lon.toFixed(4)}${facts.altitude_m === null ? '' : `, ${Math.round(facts.altitude_m)} m`}`
    return [names, degrees].filter(Boolean).join(' · ')
  }

  #path(path) {
    const names = path.split('/')
    return names.flatMap((name, number) => {
      const directory = names.slice(0, number + 1).join('/')
      return number === names.length - 1 ? name : [this.#link(name, { q: `directory:${quoted(directory)}` }), ' / ']
    })
  }

  #copies({ identical, same_pixels: same }) {
    const lists = [['the same file', identical], ['the same picture', same]].filter(([, paths]) => paths.length > 0)
    return lists.length ? lists.map(([what, paths]) => element('div', {}, `${counted(paths.length, 'file')}, ${what}: `, paths.join(', '))) : null
  }
}

function exposure(facts) {
  const time = facts.exposure_s
  return [
    time && (time >= 0.3 ? `${Number(time.toFixed(1))} s` : `1/${Math.round(1 / time)} s`),
    facts.f_number && `f/${Number(facts.f_number.toFixed(1))}`,
    facts.focal_length_mm && `${Number(facts.focal_length_mm.toFixed(1))} mm`,
    facts.iso && `ISO ${facts.iso}`,
  ].filter(Boolean).join(' · ')
}
