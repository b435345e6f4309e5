// A section of results: photographs in order, loaded page by page. How many there are may be known before they are.

export class Section {
  // `load(cursor)` answers with a page of the API; `expected` is about how many photographs there will be.
  constructor({ key, title = '', expected, load, periods = [] }) {
    Object.assign(this, { key, title, expected, periods })
    this.photos = []
    this.isComplete = false
    this.error = null
    this.used = 0
    this.version = 0
    this.load = load
    this.cursor = null
    this.loading = null
  }

  // How many photographs it has, as far as that is known.
  get count() {
    return this.isComplete ? this.photos.length : Math.max(this.expected, this.photos.length + 1)
  }

  // Load until the photograph with this number is here, or there is no more. Raises as `load`.
  async need(number) {
    while (!this.isComplete && this.photos.length <= number) {
      this.loading ??= this.#loadPage().finally(() => { this.loading = null })
      await this.loading
    }
    return this.photos[number] ?? null
  }

  async #loadPage() {
    const page = await this.load(this.cursor)
    this.photos.push(...page.photographs)
    this.cursor = page.cursor
    this.isComplete = page.cursor === null
    this.version += 1
    this.error = null
  }

  // Forget the photographs, but not how many there were.
  forget() {
    this.expected = this.count
    this.photos = []
    this.isComplete = false
    this.cursor = null
    this.version += 1
  }
}
