// Zoom of a picture: by wheel, pinch, double click and keys; and what a swipe means.

const MOST = 12
const SWIPE = 60

export class Zoom {
  // `zoomed()` is called once the picture is larger than the window shows it; `swiped(step)` for a swipe to the side.
  constructor(frame, { zoomed, swiped, tapped }) {
    Object.assign(this, { frame, zoomed, swiped, tapped })
    this.pointers = new Map()
    this.reset()
    frame.addEventListener('wheel', (event) => {
      event.preventDefault()
      this.#by(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), event.clientX, event.clientY)
    }, { passive: false })
    frame.addEventListener('dblclick', (event) => {
      if (this.scale > 1) this.reset()
      else this.#by(2.5, event.clientX, event.clientY)
    })
    frame.addEventListener('pointerdown', (event) => this.#down(event))
    frame.addEventListener('pointermove', (event) => this.#move(event))
    for (const name of ['pointerup', 'pointercancel']) frame.addEventListener(name, (event) => this.#up(event))
  }

  // The picture that is shown, as large as it fits.
  show(picture) {
    this.picture = picture
    this.reset()
  }

  reset() {
    Object.assign(this, { scale: 1, x: 0, y: 0 })
    this.#apply()
  }

  larger() { this.#by(1.5) }

  smaller() { this.#by(1 / 1.5) }

  #by(factor, clientX, clientY) {
    const { left, top, width, height } = this.frame.getBoundingClientRect()
    const x = (clientX ?? left + width / 2) - left - width / 2
    const y = (clientY ?? top + height / 2) - top - height / 2
    const scale = Math.min(MOST, Math.max(1, this.scale * factor))
    const by = scale / this.scale
    this.x = x - (x - this.x) * by
    this.y = y - (y - this.y) * by
    this.scale = scale
    this.#apply()
    if (scale > 1) this.zoomed()
  }

  #apply() {
    if (!this.picture) return
    const { width, height } = this.frame.getBoundingClientRect()
    const most = [(width * (this.scale - 1)) / 2, (height * (this.scale - 1)) / 2]
    this.x = Math.min(most[0], Math.max(-most[0], this.x))
    this.y = Math.min(most[1], Math.max(-most[1], this.y))
    this.picture.style.transform = this.scale === 1 ? '' : `translate(${this.x}px, ${this.y}px) scale(${this.scale})`
    this.frame.classList.toggle('zoomed', this.scale > 1)
  }

  #down(event) {
    if (event.button !== 0 || event.target.closest('button')) return
    this.frame.setPointerCapture(event.pointerId)
    this.pointers.set(event.pointerId, [event.clientX, event.clientY])
    this.start = this.pointers.size === 1 ? [event.clientX, event.clientY] : null
  }

  #move(event) {
    const before = this.pointers.get(event.pointerId)
    if (!before) return
    const now = [event.clientX, event.clientY]
    if (this.pointers.size === 2) {
      const [other] = [...this.pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at)
      const distance = (at) => Math.hypot(at[0] - other[0], at[1] - other[1])
      this.#by(distance(now) / Math.max(1, distance(before)), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2)
    } else if (this.scale > 1) {
      this.x += now[0] - before[0]
      this.y += now[1] - before[1]
      this.#apply()
    }
    this.pointers.set(event.pointerId, now)
  }

  #up(event) {
    if (!this.pointers.delete(event.pointerId)) return
    const { start } = this
    this.start = null
    if (!start || event.type === 'pointercancel' || this.scale > 1) return
    const [x, y] = [event.clientX - start[0], event.clientY - start[1]]
    if (Math.abs(x) > SWIPE && Math.abs(x) > 2 * Math.abs(y)) this.swiped(x < 0 ? 1 : -1)
    else if (y > 2 * SWIPE && y > 2 * Math.abs(x)) this.tapped()
  }
}
