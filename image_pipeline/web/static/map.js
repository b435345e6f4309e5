// The map: coastlines, and how many photographs were taken where.

import { get, thumbnail } from './api.js'
import { announce, byId, element } from './element.js'
import { counted, number } from './texts.js'

const PATH = document.body.dataset.static
const MOST_ZOOM = 17
const NEAR = 0.00003
const ROOM = 150 // px that a picture needs above its circle

let shown = null

// Show the map of a state's filters.
export async function showMap(address) {
  shown ??= create(address)
  const map = await shown.catch((error) => {
    shown = null
    byId('place').replaceChildren(element('p', { class: 'nothing', role: 'alert' }, `The map cannot be shown: ${error.message}`))
  })
  await map?.show(address.state)
}

async function create(address) {
  await Promise.all([styleOf('leaflet/leaflet.css'), scriptOf('leaflet/leaflet.js')])
  return new PhotographMap(address)
}

function scriptOf(path) {
  return new Promise((resolve, reject) => {
    document.head.append(element('script', { src: `${PATH}${path}`, load: resolve, error: () => reject(new Error('its program cannot be loaded')) }))
  })
}

function styleOf(path) {
  return new Promise((resolve) => {
    document.head.prepend(element('link', { rel: 'stylesheet', href: `${PATH}${path}`, load: resolve, error: resolve }))
  })
}

class PhotographMap {
  constructor(address) {
    this.address = address
    this.note = element('p', { class: 'map-note' })
    this.toPhotographs = element('a', { href: '/', click: (event) => {
      event.preventDefault()
      address.go({ view: '/', photo: null })
    } }, 'Show the photographs')
    this.draw = element('button', { type: 'button', 'aria-pressed': 'false', click: () => this.#setDrawing(!this.isDrawing) }, 'Draw a rectangle')
    this.canvas = element('div', { id: 'map', role: 'application', 'aria-label': 'Map of the photographs' })
    this.colours = element('i', { class: 'land', hidden: true })
    byId('place').replaceChildren(element('div', { class: 'map-bar' }, this.note, this.draw, this.toPhotographs), this.canvas, this.colours)
    const L = window.L
    this.map = L.map(this.canvas, { attributionControl: false, worldCopyJump: true, minZoom: 1, maxZoom: MOST_ZOOM, preferCanvas: true, zoomSnap: 0.5, zoomAnimation: !matchMedia('(prefers-reduced-motion: reduce)').matches })
    this.map.setView([25, 10], innerWidth < 700 ? 1 : 2)
    this.marks = L.layerGroup().addTo(this.map)
    this.#drawLand()
    this.map.on('moveend', () => {
      if (!this.isReady || this.canvas.clientWidth === 0) return
      address.remember('map', { centre: this.map.getCenter(), zoom: this.map.getZoom() })
      this.#load()
    })
    this.#rectangles()
    new ResizeObserver(() => { if (this.canvas.clientWidth > 0) this.map.invalidateSize() }).observe(this.canvas)
  }

  async show(state) {
    const before = this.q
    this.q = state.q
    const kept = this.address.recall('map')
    this.isReady = false
    this.map.invalidateSize()
    if (kept) this.map.setView(kept.centre, kept.zoom, { animate: false })
    if (kept || before !== this.q) await this.#load(!kept)
    this.isReady = true
  }

  async #drawLand() {
    const answer = await fetch(`${PATH}coastlines.json`)
    const land = { type: 'MultiPolygon', coordinates: (await answer.json()).map((ring) => [pointsOf(ring)]) }
    const style = () => {
      const { color, borderColor } = getComputedStyle(this.colours)
      return { color: borderColor, weight: 1, fillColor: color, fillOpacity: 1 }
    }
    const drawn = window.L.geoJSON(land, { interactive: false, style }).addTo(this.map).bringToBack()
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => drawn.setStyle(style))
  }

  async #load(fits = false) {
    this.aborting?.abort()
    this.aborting = new AbortController()
    const bounds = this.map.getBounds().pad(0.1)
    const zoom = Math.max(0, Math.min(22, Math.round(this.map.getZoom())))
    try {
      const { clusters } = await get('/map', { q: this.q, zoom, box: fits ? null : boxOf(bounds) }, this.aborting.signal)
      if (fits && clusters.length > 0) {
        const around = window.L.latLngBounds(clusters.map(({ lat, lon }) => [lat, lon]))
        this.map.fitBounds(around, { padding: [60, 60], maxZoom: 11, animate: false })
      }
      this.#mark(clusters)
    } catch (error) {
      if (error.name === 'AbortError') return
      this.note.textContent = error.message
    }
  }

  #mark(clusters) {
    const L = window.L
    const count = clusters.reduce((sum, one) => sum + one.count, 0)
    this.note.textContent = count === 0 ? 'No photograph was taken here, as far as is known.' : `${counted(count, 'photograph')} with a place, here.`
    announce(this.note.textContent)
    this.marks.clearLayers()
    for (const cluster of clusters) {
      const size = Math.round(30 + 9 * Math.log10(cluster.count))
      const mark = element('span', { class: 'cluster' }, number(cluster.count))
      const icon = L.divIcon({ html: mark, className: 'cluster-mark', iconSize: [size, size] })
      const marker = L.marker([cluster.lat, cluster.lon], { icon, keyboard: true, alt: counted(cluster.count, 'photograph'), riseOnHover: true })
      marker.on('click keypress', (event) => { if (event.type === 'click' || event.originalEvent.key === 'Enter') this.#choose(cluster) })
      marker.addTo(this.marks)
      const node = marker.getElement()
      mark.classList.toggle('high', this.map.latLngToContainerPoint(marker.getLatLng()).y < ROOM)
      node.setAttribute('aria-label', `${counted(cluster.count, 'photograph')}: show them`)
      this.#picture(cluster, node, mark)
    }
  }

  // A photograph of the cluster, for those who point at it.
  #picture({ id }, node, mark) {
    const show = async () => {
      if (mark.dataset.asked) return
      mark.dataset.asked = '1'
      const record = await get(`/photos/${id}`).catch(() => null)
      if (record) mark.append(element('img', { src: thumbnail(record.facts.sha256), alt: '' }))
    }
    node.addEventListener('pointerenter', show)
    node.addEventListener('focus', show)
  }

  // The photographs of a cluster: those of its part of the map.
  #choose({ lat, lon }) {
    const point = this.map.latLngToLayerPoint([lat, lon])
    const corner = (by) => this.map.layerPointToLatLng([point.x + by, point.y - by])
    const [low, high] = [corner(-36), corner(36)]
    this.#filter({ south: Math.min(low.lat, lat - NEAR), west: Math.min(low.lng, lon - NEAR), north: Math.max(high.lat, lat + NEAR), east: Math.max(high.lng, lon + NEAR) })
  }

  #filter(box) {
    const isAll = box.east - box.west >= 360 // more than once around the world
    const sides = isAll ? [-180, 180] : [wrapped(box.west), wrapped(box.east)]
    const [south, north] = [box.south, box.north].map((one) => Math.max(-90, Math.min(90, one)))
    const text = `box:${[south, sides[0], north, sides[1]].map((one) => Number(one.toFixed(5))).join(',')}`
    const others = this.q.replace(/(^|\s)box:\S+/g, ' ').trim()
    this.address.go({ view: '/', q: `${others} ${text}`.trim(), photo: null })
  }

  #setDrawing(isDrawing) {
    this.isDrawing = isDrawing
    this.draw.setAttribute('aria-pressed', String(isDrawing))
    this.canvas.classList.toggle('drawing', isDrawing)
    if (isDrawing) this.map.dragging.disable()
    else this.map.dragging.enable()
  }

  // A rectangle is drawn with the button, or with the Shift key.
  #rectangles() {
    const L = window.L
    this.map.boxZoom.disable()
    let begin = null
    let area = null
    this.canvas.addEventListener('pointerdown', (event) => {
      if (!(this.isDrawing || event.shiftKey) || event.button !== 0 || event.target.closest('.leaflet-control, .cluster-mark')) return
      event.preventDefault()
      this.map.dragging.disable()
      this.canvas.setPointerCapture(event.pointerId)
      begin = this.map.mouseEventToLatLng(event)
      area = L.rectangle([begin, begin], { className: 'area', weight: 2 }).addTo(this.map)
    })
    this.canvas.addEventListener('pointermove', (event) => { if (begin) area.setBounds([begin, this.map.mouseEventToLatLng(event)]) })
    this.canvas.addEventListener('pointerup', (event) => {
      if (!begin) return
      const bounds = L.latLngBounds(begin, this.map.mouseEventToLatLng(event))
      begin = null
      area.remove()
      this.#setDrawing(false)
      const [low, high] = [this.map.latLngToLayerPoint(bounds.getSouthWest()), this.map.latLngToLayerPoint(bounds.getNorthEast())]
      if (Math.abs(high.x - low.x) < 6 || Math.abs(high.y - low.y) < 6) return
      this.#filter({ south: Math.max(-90, bounds.getSouth()), west: bounds.getWest(), north: Math.min(90, bounds.getNorth()), east: bounds.getEast() })
    })
  }
}

// The points of a ring of the coastlines: the first one, and differences, in hundredths of a degree.
function pointsOf(ring) {
  const points = []
  let [x, y] = [0, 0]
  for (let at = 0; at < ring.length; at += 2) {
    x += ring[at]
    y += ring[at + 1]
    points.push([x / 100, y / 100])
  }
  return points
}

// Longitudes beyond the edge of the map are those of its other side.
const wrapped = (longitude) => ((((longitude + 180) % 360) + 360) % 360) - 180

function boxOf(bounds) {
  if (bounds.getEast() - bounds.getWest() >= 360) return null
  return [Math.max(-90, bounds.getSouth()), wrapped(bounds.getWest()), Math.min(90, bounds.getNorth()), wrapped(bounds.getEast())].map((one) => one.toFixed(5)).join(',')
}
