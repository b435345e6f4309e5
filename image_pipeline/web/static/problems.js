// Files that could not be read, by reason, with what to do; and those that are shown although they are damaged.

import { thumbnail } from './api.js'
import { announce, byId, element } from './element.js'
import { pagesInto } from './pages.js'
import { counted, directoryOf, fileName, momentText } from './texts.js'

export async function showList(root, address) {
  const heading = element('p', { class: 'lead' })
  const reasons = element('div', {})
  const damage = element('section', {})
  const lists = new Map()
  root.append(heading, reasons, damage)
  await pagesInto(root, '/quarantine', { limit: 200 }, ({ files, total, damaged }) => {
    heading.textContent = total === 0 ? 'All files could be read.' : `${counted(total, 'file')} could not be read. They leave this list by themselves once they can be.`
    if (lists.size === 0) announce(heading.textContent)
    for (const file of files) {
      if (!lists.has(file.reason)) lists.set(file.reason, reasonInto(reasons, file.reason))
      lists.get(file.reason)(file)
    }
    if (damage.childElementCount === 0 && damaged.length > 0) damage.append(...damagedFiles(damaged, address))
  })
}

// A part of the page for a reason; gives what adds a file to it.
function reasonInto(root, reason) {
  const said = [...byId('remedies').content.querySelectorAll('p')].find((one) => one.dataset.reason === reason)?.dataset
  const list = element('ul', {})
  const count = element('small', {})
  root.append(element('section', { class: 'reason' },
    element('h2', {}, reason.replaceAll('_', ' '), ' ', count),
    element('p', {}, said?.meaning, ' ', element('strong', {}, said?.remedy)), list))
  return ({ path, message, since }) => {
    list.append(element('li', {}, pathOf(path), element('p', { class: 'message' }, message), element('small', {}, `since ${momentText(since)}`)))
    count.textContent = counted(list.childElementCount, 'file')
  }
}

function damagedFiles(files, address) {
  return [
    element('h2', {}, 'Damaged ', element('small', {}, counted(files.length, 'file'))),
    element('p', {}, 'A part of these pictures is missing. They are found like all others. ', element('strong', {}, 'Restore them from a backup.')),
    element('ul', { class: 'damaged' }, files.map(({ id, path, sha256, damaged }) => element('li', {},
      element('a', { href: `/problems?photo=${id}`, click: (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return
        event.preventDefault()
        address.go({ photo: id }, { memory: { isOpened: true } })
      } }, element('img', { src: thumbnail(sha256), alt: fileName(path), loading: 'lazy' })),
      element('div', {}, pathOf(path), element('p', { class: 'message' }, damaged))))),
  ]
}

const pathOf = (path) => element('p', { class: 'path' }, element('span', {}, `${directoryOf(path)}${path.includes('/') ? '/' : ''}`), fileName(path))
