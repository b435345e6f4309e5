// Lists that come in pages: the next one is loaded with a button.

import { get } from './api.js'
import { element } from './element.js'

// Load the pages of a list; `show(page)` adds one. The button stands at the end of `root`.
export async function pagesInto(root, path, parameters, show) {
  let cursor = null
  const message = element('p', { role: 'alert' })
  const more = element('button', { type: 'button', class: 'more', click: () => load() }, 'Show more')
  root.append(message, more)
  async function load() {
    more.disabled = true
    try {
      const page = await get(path, { ...parameters, cursor })
      message.textContent = ''
      show(page)
      cursor = page.cursor
      more.hidden = cursor === null
    } catch (error) {
      message.textContent = error.message
    }
    more.disabled = false
  }
  await load()
}
