// Photographs that several files have: side by side, with what differs.

import { thumbnail } from './api.js'
import { announce, element } from './element.js'
import { pagesInto } from './pages.js'
import { counted, dateText, directoryOf, fileName, sizeText } from './texts.js'

export async function showList(root, address) {
  const heading = element('p', { class: 'lead' })
  const list = element('ul', { class: 'groups' })
  root.append(heading, list)
  await pagesInto(root, '/duplicates', { limit: 30 }, ({ groups, total }) => {
    heading.textContent = total === 0 ? 'No photograph is there twice.' : `${counted(total, 'photograph')} in more than one file, with the same pixels. Nothing is deleted here.`
    if (list.childElementCount === 0) announce(heading.textContent)
    list.append(...groups.map((group) => groupOf(group, address)))
  })
}

function groupOf({ files }, address) {
  const isSame = files.every(({ sha256 }) => sha256 === files[0].sha256)
  const largest = Math.max(...files.map(({ size_bytes: size }) => size ?? 0))
  return element('li', { class: 'group' },
    element('h2', {}, counted(files.length, 'file'), element('small', {}, isSame ? ' the same bytes' : ' the same pixels, other metadata')),
    element('ul', { class: 'side-by-side' }, files.map((file) => element('li', {},
      element('a', { href: `/duplicates?photo=${file.id}`, class: 'picture', click: (event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return
        event.preventDefault()
        address.go({ photo: file.id }, { memory: { isOpened: true } })
      } }, element('img', { src: thumbnail(file.sha256), alt: fileName(file.path), loading: 'lazy', width: file.width, height: file.height })),
      element('p', { class: 'name' }, fileName(file.path)),
      element('p', {}, directoryOf(file.path) || 'the library itself'),
      element('p', {}, [file.width && `${file.width} × ${file.height}`, file.format].filter(Boolean).join(' · ')),
      element('p', { class: files.length > 1 && file.size_bytes === largest && !isSame ? 'largest' : null }, sizeText(file.size_bytes)),
      element('p', {}, dateText(file.taken_local, 'second', true) || 'No date')))))
}
