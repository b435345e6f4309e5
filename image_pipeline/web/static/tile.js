// A tile of the grid: the thumbnail of a photograph, its date, and why it was found.

import { thumbnail } from './api.js'
import { element, icon } from './element.js'
import { counted, dateText, fileName, whyText } from './texts.js'

const RETRY = 1000

// The tile of a photograph; of null, a place for one that is being loaded.
export function tile(photo, address) {
  if (photo === null) return element('li', { class: 'tile waiting', 'aria-hidden': 'true' })
  const name = fileName(photo.paths[0])
  const picture = element('img', { src: thumbnail(photo.sha256), alt: photo.caption || name, decoding: 'async', draggable: 'false' })
  const date = dateText(photo.taken_local, photo.taken_precision)
  const why = whyText(photo.why)
  const link = element('a', { href: address, tabindex: '-1', 'data-id': photo.id },
    picture,
    photo.paths.length > 1 && element('span', { class: 'copies', title: `${counted(photo.paths.length, 'file')} with this picture` },
      icon('copies'), String(photo.paths.length), element('span', { class: 'unseen' }, ' files with this picture')),
    element('span', { class: 'about' }, element('span', { class: 'date' }, date || 'No date'), why && element('span', { class: 'why' }, why)),
  )
  const made = element('li', { class: photo.close === false ? 'tile distant' : 'tile' }, link)
  picture.addEventListener('load', () => made.classList.add('loaded'), { once: true })
  picture.addEventListener('error', () => {
    setTimeout(() => { picture.src = thumbnail(photo.sha256) }, RETRY)
    picture.addEventListener('error', () => {
      picture.remove()
      link.prepend(element('span', { class: 'no-picture' }, name))
    }, { once: true })
  }, { once: true })
  return made
}
