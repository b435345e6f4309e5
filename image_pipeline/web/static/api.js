// Requests to the API.

const PREFIX = '/api/v1'
const RETRIES = [300, 1200] // ms

// What the API refuses: a sentence for people, and a code.
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message)
    this.status = status
    this.code = code
  }
}

// The query string of parameters; lists are repeated, empty ones are left out.
export function queryString(parameters) {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== null && one !== undefined && one !== '' && one !== false) query.append(name, String(one))
    }
  }
  return query.toString()
}

// The answer to a GET. Raises ApiError, and AbortError if `signal` says so.
export async function get(path, parameters = {}, signal = undefined) {
  const query = queryString(parameters)
  return answerOf(again(() => fetch(`${PREFIX}${path}${query && '?'}${query}`, { signal, headers: { Accept: 'application/json' } })))
}

// Ask again for what did not arrive, as on a telephone that changes its network.
async function again(ask) {
  for (const wait of RETRIES) {
    try {
      return await ask()
    } catch (error) {
      if (error.name === 'AbortError') throw error
    }
    await new Promise((resolve) => setTimeout(resolve, wait))
  }
  return ask()
}

// The answer to a picture that is sent.
export async function sendPicture(path, parameters, picture, signal) {
  const body = new FormData()
  body.append('picture', picture, 'picture')
  const token = document.querySelector('meta[name="csrf-token"]').content
  const headers = { Accept: 'application/json', 'X-CSRF-Token': token }
  return answerOf(fetch(`${PREFIX}${path}?${queryString(parameters)}`, { method: 'POST', body, signal, headers }))
}

async function answerOf(request) {
  let answer
  try {
    answer = await request
  } catch (error) {
    if (error.name === 'AbortError') throw error
    throw new ApiError(0, 'unreachable', 'The server does not answer. Is image-pipeline serve still running?')
  }
  if (answer.status === 401) location.reload()
  const body = await answer.json().catch(() => null)
  if (answer.ok && body !== null) return body
  throw new ApiError(answer.status, body?.error?.code ?? 'failed', body?.error?.message ?? `The server answered ${answer.status}.`)
}

export const thumbnail = (sha256) => `${PREFIX}/thumbnails/${sha256}`
export const largeThumbnail = (sha256) => `${PREFIX}/thumbnails/${sha256}?size=1024`
export const original = (id) => `${PREFIX}/originals/${id}`
