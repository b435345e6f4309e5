// Justified rows: pictures of one row have one height, and fill its width.

const NARROWEST = 0.5
const WIDEST = 2.8

// The shape of a picture in the grid: its width by its height, within bounds; panoramas are cut.
export function shapeOf({ width, height }) {
  return width && height ? Math.min(WIDEST, Math.max(NARROWEST, width / height)) : 1.5
}

// The rows of pictures with these shapes: for each its top, height, and first and last picture (exclusive); for each
// picture its left edge and width. All in px. The last row keeps the usual height.
export function justify(shapes, width, usual, gap) {
  const rows = []
  const lefts = new Float32Array(shapes.length)
  const widths = new Float32Array(shapes.length)
  let first = 0
  let sum = 0
  let top = 0
  const close = (last, height) => {
    let left = 0
    for (let one = first; one < last; one += 1) {
      widths[one] = shapes[one] * height
      lefts[one] = left
      left += widths[one] + gap
    }
    rows.push({ top, height, first, last })
    top += height + gap
    first = last
    sum = 0
  }
  for (let one = 0; one < shapes.length; one += 1) {
    sum += shapes[one]
    const height = (width - (one - first) * gap) / sum
    if (height <= usual) {
      // without this picture, the row may be nearer to the usual height
      const without = one > first ? (width - (one - 1 - first) * gap) / (sum - shapes[one]) : Infinity
      if (without - usual < usual - height) {
        const shape = shapes[one]
        close(one, without)
        sum = shape
        if (width / sum <= usual) close(one + 1, width / sum)
      } else {
        close(one + 1, height)
      }
    }
  }
  if (first < shapes.length) close(shapes.length, Math.min(usual, (width - (shapes.length - 1 - first) * gap) / sum))
  return { rows, lefts, widths, height: Math.max(0, top - gap) }
}

// About how high the rows of so many pictures are of which nothing is known.
export function estimate(count, width, usual, gap) {
  const perRow = Math.max(1, Math.round(width / (usual * 1.4 + gap)))
  return Math.ceil(count / perRow) * (usual + gap) - gap
}
