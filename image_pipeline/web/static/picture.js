// The picture that somebody searches by: kept in this browser, under a key that is in the address.

const STORE = 'pictures'
const MOST = 20

function database() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('image-pipeline', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE)
    opening.onsuccess = () => resolve(opening.result)
    opening.onerror = () => reject(opening.error)
  })
}

async function inStore(mode, act) {
  const opened = await database()
  try {
    return await new Promise((resolve, reject) => {
      const asked = act(opened.transaction(STORE, mode).objectStore(STORE))
      asked.onsuccess = () => resolve(asked.result)
      asked.onerror = () => reject(asked.error)
    })
  } finally {
    opened.close()
  }
}

// Keep a picture; gives its key.
export async function keepPicture(blob) {
  const key = `${Date.now().toString(36)}${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`
  const known = await inStore('readonly', (store) => store.getAllKeys())
  for (const old of known.slice(0, Math.max(0, known.length - MOST + 1))) await inStore('readwrite', (store) => store.delete(old))
  await inStore('readwrite', (store) => store.put(blob, key))
  return key
}

// The picture with this key; null if this browser does not have it.
export async function keptPicture(key) {
  return (await inStore('readonly', (store) => store.get(key)).catch(() => null)) ?? null
}

const addresses = new Map()

// An address under which this page can show it; null if it has none.
export async function pictureAddress(key) {
  if (!addresses.has(key)) {
    const blob = await keptPicture(key)
    addresses.set(key, blob && URL.createObjectURL(blob))
  }
  return addresses.get(key)
}

// Call `found(blob)` with each picture that is dropped into the page, pasted, or chosen with `button`.
export function watchForPictures(found, { button, file, drop }) {
  const isWanted = (data) => [...(data?.items ?? [])].some(({ kind }) => kind === 'file')
  let depth = 0
  const show = (isShown) => { drop.hidden = !isShown }
  addEventListener('dragenter', (event) => {
    if (!isWanted(event.dataTransfer)) return
    event.preventDefault()
    depth += 1
    show(true)
  })
  addEventListener('dragover', (event) => { if (isWanted(event.dataTransfer)) event.preventDefault() })
  addEventListener('dragleave', () => { show((depth = Math.max(0, depth - 1)) > 0) })
  addEventListener('drop', (event) => {
    depth = 0
    show(false)
    if (!isWanted(event.dataTransfer)) return
    event.preventDefault()
    const [picture] = event.dataTransfer.files
    if (picture) found(picture)
  })
  addEventListener('paste', (event) => {
    const picture = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith('image/'))
    if (!picture) return
    event.preventDefault()
    found(picture)
  })
  button.addEventListener('click', () => file.click())
  file.addEventListener('change', () => {
    if (file.files[0]) found(file.files[0])
    file.value = ''
  })
}
