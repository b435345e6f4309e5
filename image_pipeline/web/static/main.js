// Begins the page: each part shows what the address says, and goes to other addresses.

import { Address } from './address.js'
import { Box } from './box.js'
import { announce, byId, element } from './element.js'
import { keepPicture, watchForPictures } from './picture.js'
import { Photographs } from './photographs.js'
import { Viewer } from './viewer.js'

const address = new Address((state) => show(state))
const box = new Box(address)
const photographs = new Photographs(address, { open: (id) => viewer.open(id), changed: () => viewer.changed() })
const viewer = new Viewer(address, photographs)
const help = byId('help')

// Views that few people open are loaded when somebody does.
const LISTS = {
  '/duplicates': () => import('./duplicates.js'),
  '/problems': () => import('./problems.js'),
  '/status': () => import('./status.js'),
}
let list = null

async function show(state) {
  const { view } = state
  for (const link of document.querySelectorAll('nav [data-view]')) {
    if (link.dataset.view === view) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  document.body.dataset.view = view
  const name = document.querySelector(`nav [data-view="${view}"]`).textContent
  if (!state.photo) document.title = state.q ? `${state.q} – ${name}` : name
  byId('title').textContent = name
  byId('place').hidden = view !== '/map'
  byId('list').hidden = !(view in LISTS)
  box.show(state)
  if (view === '/') photographs.show(state)
  else photographs.hide()
  viewer.show(state)
  if (view === '/map') {
    const { showMap } = await import('./map.js')
    if (address.state.view === view) showMap(address)
  }
  const before = list
  list = view in LISTS ? view : null
  if (list && list !== before) {
    const root = element('div')
    byId('list').replaceChildren(root)
    const { showList } = await LISTS[view]()
    await showList(root, address) // what comes late goes where nobody looks
  }
}

for (const link of document.querySelectorAll('nav [data-view]')) {
  link.addEventListener('click', (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return
    event.preventDefault()
    const view = link.dataset.view
    photographs.remember()
    if (view === '/map' || view === '/') address.go({ view, photo: null })
    else address.search({ view })
    scrollTo({ top: 0 })
  })
}

watchForPictures(async (picture) => {
  try {
    const key = await keepPicture(picture)
    address.search({ picture: key })
  } catch {
    const text = 'This browser does not let the page keep the picture: allow the page to store data, or leave the private window.'
    byId('query-error').textContent = text
    announce(text)
  }
}, { button: byId('pick'), file: byId('file'), drop: byId('drop') })

addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return
  if (event.key === '/' && !byId('viewer').open && !help.open) {
    event.preventDefault()
    byId('query').focus()
    byId('query').select()
  } else if (event.key === '?' && !help.open) {
    event.preventDefault()
    help.showModal()
  }
})
byId('help-button').addEventListener('click', () => help.showModal())
help.addEventListener('click', (event) => { if (event.target === help || event.target.closest('[data-close]')) help.close() })
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault()
  const first = byId('grid').querySelector('a[tabindex="0"]')
  if (first && !byId('photographs').hidden) first.focus()
  else byId('main').focus()
})
new ResizeObserver(([{ target }]) => document.documentElement.style.setProperty('--header', `${target.offsetHeight}px`)).observe(byId('header'))

show(address.state)
