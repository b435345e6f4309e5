// The status: what there is, what waits, how large the store is, how the last run went.

import { get } from './api.js'
import { announce, element } from './element.js'
import { counted, momentText, number, sizeText } from './texts.js'

const EVERY = 20_000

export async function showList(root) {
  const message = element('p', { class: 'lead', role: 'alert' }, 'The library is being examined …')
  const shown = element('div', { class: 'status' })
  root.append(message, shown)
  let isFirst = true
  const refresh = async () => {
    if (!shown.isConnected) return
    try {
      if (isFirst || !document.hidden) shown.replaceChildren(...partsOf(await get('/status')))
      message.textContent = ''
      if (isFirst) announce('The status is there')
      isFirst = false
    } catch (error) {
      message.textContent = error.message
    }
    setTimeout(refresh, EVERY)
  }
  await refresh()
}

function partsOf(status) {
  const { last_run: run, size, waiting } = status
  const bytes = Object.values(size.parts).reduce((sum, one) => sum + one, 0)
  return [
    element('ul', { class: 'figures' },
      figure(number(status.points), 'photographs and their copies'), figure(number(status.directories), 'directories'),
      figure(number(status.quarantined), 'could not be read'), figure(sizeText(bytes), size.is_whole ? 'in the store' : 'in the store, at least')),
    part('Waiting', waitingText(status, waiting)),
    part('Last run', run ? [
      ['What', run.job], ['Result', run.status],
      ['Began', run.began ? momentText(run.began) : 'not yet'], ['Took', run.seconds === null ? null : durationText(run.seconds)], ['Error', run.error], ['Run', run.run_id]] : 'None yet.'),
    part('Library', [['Folder', status.library ?? 'unknown'], ['Collection', status.collection ?? 'none yet'], ['Qdrant', status.qdrant], ['Store', status.store]]),
    part('Models', [['Embeddings', `${status.embedder} (${status.dtype})`], ['Next', status.next_embedder && `${status.next_embedder} will replace it once everything is ingested with it`], ['Captions', status.captioner ?? 'off']]),
    part('Store', Object.entries(size.parts).filter(([, taken]) => taken > 0).map(([name, taken]) => [name, sizeText(taken)])),
  ]
}

const figure = (value, name) => element('li', {}, element('b', {}, value), ' ', name)

function part(title, content) {
  const body = typeof content === 'string' ? element('p', {}, content) : element('dl', {}, content.filter(([, value]) => value).map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, value))))
  return element('section', {}, element('h2', {}, title), body)
}

function waitingText({ library_error: error }, waiting) {
  if (error) return error
  if (!waiting) return 'The library is unknown.'
  const parts = ['new', 'changed', 'gone'].filter((kind) => waiting[kind]).map((kind) => `${counted(waiting[kind], 'directory', 'directories')} ${kind}`)
  const text = parts.length ? `${parts.join(', ')}, with ${counted(waiting.files, 'file')}.` : 'Nothing: everything is ingested.'
  return waiting.is_whole ? text : `${text} The library is large: only ${counted(waiting.directories, 'directory', 'directories')} of it were examined.`
}

const durationText = (seconds) => (seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds / 60)} min`)
