// The state of the page: all of it is in its address, so that links, back and reload lead to the same place.

const VIEWS = ['/', '/map', '/duplicates', '/problems', '/status']

// The state that an address describes.
export function stateOf(url) {
  const query = url.searchParams
  const sort = query.get('sort')
  return {
    view: VIEWS.includes(url.pathname) ? url.pathname : '/',
    q: query.get('q') ?? '',
    sort: ['newest', 'oldest'].includes(sort) ? sort : null,
    all: query.get('all') === '1',
    like: query.getAll('like'),
    unlike: query.getAll('unlike'),
    picture: query.get('picture'),
    photo: query.get('photo'),
  }
}

// The address of a state.
export function addressOf(state) {
  const query = new URLSearchParams()
  if (state.q.trim()) query.set('q', state.q.trim())
  if (state.sort) query.set('sort', state.sort)
  if (state.all) query.set('all', '1')
  for (const id of state.like) query.append('like', id)
  for (const id of state.unlike) query.append('unlike', id)
  if (state.picture) query.set('picture', state.picture)
  if (state.photo) query.set('photo', state.photo)
  const text = query.toString().replaceAll('%3A', ':').replaceAll('%2C', ',')
  return state.view + (text && '?') + text
}

// What a search depends on: two states with the same key show the same photographs.
export const searchKey = ({ q, sort, all, like, unlike, picture }) => JSON.stringify([q.trim(), sort, all, like, unlike, picture])

const EMPTY = { q: '', sort: null, all: false, like: [], unlike: [], picture: null, photo: null }

// The present state, and ways to another one.
export class Address {
  constructor(changed) {
    history.scrollRestoration = 'manual'
    this.changed = changed
    this.state = stateOf(new URL(location.href))
    addEventListener('popstate', () => this.#arrive(stateOf(new URL(location.href))))
  }

  // Another state, with these changes. A new entry of the history, unless it is to replace the present one.
  go(changes, { replace = false, memory = null } = {}) {
    const state = { ...this.state, ...changes }
    const address = addressOf(state)
    if (address === location.pathname + location.search) replace = true
    if (replace) history.replaceState(memory ?? history.state, '', address)
    else history.pushState(memory, '', address)
    this.#arrive(state)
  }

  // A search and nothing else.
  search(changes, options) {
    this.go({ ...EMPTY, view: '/', ...changes }, options)
  }

  // Remember something with this entry of the history: where the grid stands.
  remember(name, value) {
    history.replaceState({ ...history.state, [name]: value }, '')
  }

  recall(name) {
    return history.state?.[name] ?? null
  }

  #arrive(state) {
    const before = this.state
    this.state = state
    this.changed(state, before)
  }
}
