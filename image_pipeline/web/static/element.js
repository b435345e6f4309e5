// Elements of the page. Texts become text nodes only, so that a name or a caption can never be markup.

// An element with attributes (null and false: none; functions: listeners) and children (elements and texts).
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === 'function') made.addEventListener(key, value)
    else if (value === true) made.setAttribute(key, '')
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, String(value))
  }
  made.append(...children.flat().filter((one) => one !== null && one !== undefined && one !== false))
  return made
}

const SVG = 'http://www.w3.org/2000/svg'

// One of the icons of the shell.
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('class', 'icon')
  svg.setAttribute('aria-hidden', 'true')
  const use = document.createElementNS(SVG, 'use')
  use.setAttribute('href', `#icon-${name}`)
  svg.append(use)
  return svg
}

export function iconButton(name, label, act, more = {}) {
  return element('button', { type: 'button', class: 'plain', 'aria-label': label, title: label, click: act, ...more }, icon(name))
}

export const byId = (id) => document.getElementById(id)

let announcing = 0

// Say something to people who use a screen reader, once it has been quiet for a moment.
export function announce(text) {
  clearTimeout(announcing)
  announcing = setTimeout(() => {
    const live = document.querySelector('dialog[open] .live') ?? byId('live') // what is behind a dialog is silent
    live.textContent = text
  }, 400)
}
