// The layouts of sections for a width of the grid, kept until a section or the width changes.

import { estimate, justify, shapeOf } from './rows.js'

export const TITLE = 44 // the height of a section's title, in px

const HEIGHTS = { comfortable: [220, 128], dense: [128, 84] } // of rows: in a wide grid, and in a narrow one
const NARROW = 700
const USUAL_SHAPE = 1.4

export class Layouts {
  constructor() { this.clear() }

  clear() { this.kept = new Map() }

  // Make layouts for a grid of this width, and for this size of pictures.
  fit(width, size) {
    this.width = width
    this.usual = HEIGHTS[size][width < NARROW ? 1 : 0]
    this.gap = width < NARROW ? 3 : 6
  }

  // The layout of a section; pictures that were not loaded have a usual shape.
  of(section) {
    const known = this.kept.get(section.key)
    if (this.#isCurrent(known, section)) return known
    const shapes = new Float32Array(section.count).fill(USUAL_SHAPE)
    section.photos.forEach((photo, number) => { shapes[number] = shapeOf(photo) })
    const layout = justify(shapes, this.width, this.usual, this.gap)
    if (section.photos.length === 0) layout.height = this.#estimate(section)
    Object.assign(layout, { version: section.version, width: this.width, usual: this.usual, count: section.count })
    this.kept.set(section.key, layout)
    return layout
  }

  // How high a section is with its title. For one of which nothing was loaded, no layout has to be made.
  heightOf(section) {
    const isKnown = section.photos.length > 0 || this.#isCurrent(this.kept.get(section.key), section)
    return (section.title ? TITLE : 0) + (isKnown ? this.of(section).height : this.#estimate(section))
  }

  #estimate({ count }) { return Math.max(0, estimate(count, this.width, this.usual, this.gap)) }

  #isCurrent(known, { version, count }) {
    return known && known.version === version && known.count === count && known.width === this.width && known.usual === this.usual
  }
}
