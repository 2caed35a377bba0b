/* <market-prices> and <market-price>: the server's own HTML, kept true. No number and no sentence is made here: they
   come from the server, and what is drawn here is drawn as the templates draw it.

   The parts: where we are and what time it is; Hub, one stream for all elements; Line, one coin of a board; Prices, the
   elements; the second's beat that drives them; the height of frames. Lines that begin with two slashes and white space
   at the beginning of lines are not sent (widgets/element/script.py), so nothing in quotes may run over a line. */
(() => {
const script = document.currentScript || document.querySelector('script[src*="/embed.js"]')
const BASE = new URL('.', script ? script.src : location).href

// An iframe of ours says how high its page is. It is ours by the very frame that speaks: a sandboxed page of ours has
// the origin "null". What no page of ours is as high as, is cut.
addEventListener('message', ({data, source, origin}) => {
  if (data?.type !== 'mp:height' || !Number.isFinite(data.height)) return
  if (origin !== 'null' && !BASE.startsWith(origin + '/')) return
  for (const frame of document.querySelectorAll('iframe')) {
    if (frame.contentWindow === source && frame.src.startsWith(BASE + 'embed/')) {
      frame.height = Math.ceil(Math.min(4000, Math.max(40, data.height)))
    }
  }
})

if (customElements.get('market-prices')) return

const NAMES = ['coins', 'currency', 'locale', 'theme', 'change', 'show', 'limit', 'title', 'css', 'on', 'look', 'density',
  'up', 'sort', 'page', 'range', 'zeros']
const RUNGS = ['live', 'delayed', 'stale', 'none']
const elements = new Set()
const hubs = {}
const sheets = {}

// What time it is, by the server: Date + Age of an answer, and what has passed since by the monotonic clock. A copy
// that a cache hands out without its Age says too little, never too much, so the latest that was ever said counts. The
// reader's own clock may be wrong by hours; a jump of it tells that this machine slept, and the time is doubtful.
const clock = () => performance.now()
const after = seconds => clock() + seconds * (750 + 500 * Math.random())
const back = times => after(Math.min(60, 2 ** times))
let zero = -Infinity
let doubt = clock()
const past = moment => zero + clock() >= Date.parse(moment)
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b)

// The browser asks again with If-None-Match by itself, and takes the Date of a 304. "Too many requests" and faults of a
// server are no answer.
async function read(url) {
  const response = await fetch(url, {cache: 'no-cache', credentials: 'omit', signal: AbortSignal.timeout(8000)})
  const date = Date.parse(response.headers.get('date')) + 1000 * response.headers.get('age')
  if (date) {
    zero = Math.max(zero, date - clock())
    doubt = 0
  }
  if (response.status > 428) throw response
  return response
}

// The external style, once a page: there before what it dresses, or given up.
const sheet = ({href}) => sheets[href] ??= new Promise(done => {
  if ([...document.styleSheets].some(one => one.href === href)) return done()
  const link = document.createElement('link')
  Object.assign(link, {rel: 'stylesheet', href, onload: done, onerror: done})
  document.head.append(link)
  setTimeout(done, 3000)
})

const make = (tag, className, ...inside) => {
  const made = document.createElement(tag)
  if (className) made.className = className
  made.append(...inside)
  return made
}
const set = (element, name, value) => {
  value ? element?.setAttribute(name, value) : element?.removeAttribute(name)
  return element
}
const unheard = (...inside) => set(make('span', '', ...inside), 'aria-hidden', 'true')

// One stream for all elements of a currency and a language; in its place, while it is broken, a poll now and then.
class Hub {
  members = new Set()
  prices = {}
  coins = []
  mode = 'wait'
  #url
  #stream
  #openAt
  #id = '0-0'
  #heard = -Infinity
  #failures = 0
  #breaks = 0
  #pollAt = 0

  constructor(currency, locale) {
    this.#url = door => `${BASE}v1/${door}?coins=${this.coins}&currency=${currency}&locale=${locale}`
  }

  beat() {
    // Other coins need another stream.
    const wanted = [...new Set([...this.members].flatMap(member => member.coins))].sort()
    if ('' + wanted != this.coins) {
      this.coins = wanted
      this.close()
    }
    if (!this.#stream || clock() >= this.#openAt) this.#open()
    if (clock() >= this.#pollAt) this.#poll()
  }

  close() {
    this.#stream?.close()
    this.#stream = null
    this.#failures = 0
  }

  #open() {
    this.#openAt = Infinity
    // A stream has no Date that a script can read: where the time is in doubt, a poll tells it.
    if (!this.#failures) this.#pollAt = doubt ? 0 : after(5)
    const stream = this.#stream = new EventSource(this.#url('stream'))
    stream.addEventListener('prices', ({data}) => {
      this.#failures = this.#breaks = 0
      this.#heard = clock()
      if (!doubt) this.#pollAt = after(45)
      this.#take(JSON.parse(data), 'stream')
    })
    stream.onerror = () => {
      if (this.mode === 'stream') {
        this.#pollAt = after(1)
        this.#say('poll')
      }
      if (stream.readyState === 2) this.#openAt = back(++this.#breaks)
    }
  }

  async #poll() {
    const {coins, mode} = this
    this.#pollAt = Infinity
    let answer
    try {
      answer = await (await read(this.#url('prices'))).json()
      // A cache may hold what is older than the stream.
      const older = answer.id.localeCompare(this.#id, 'en', {numeric: true}) < 0
      this.#failures = 0
      const quiet = clock() - this.#heard
      if (coins === this.coins && (!older || quiet > 9e4)) {
        // Where the stream was silent and yet there was something to say, it is dead.
        if (this.#take(answer, mode === 'stream' ? mode : 'poll') && mode === 'stream' && quiet > 3e4) this.close()
      }
    } catch {
      // What the server refuses, such as a coin that is gone, is still wanted by whoever has not heard of it.
      for (const member of this.members) member.update([], 0, answer)
      this.#failures++
      if (this.mode !== 'stream') this.#say('lost')
    }
    this.#pollAt = after(Math.min(300, (this.mode === 'stream' ? 45 : 10) * 2 ** this.#failures))
  }

  // Whether anything in it is new.
  #take({id, list, prices}, mode) {
    const fresh = prices.filter(price => !same(price, this.prices[price.id]))
    for (const price of fresh) this.prices[price.id] = price
    for (const member of this.members) member.update(fresh, id, list)
    this.#id = id
    this.#say(mode)
    return fresh.length
  }

  #say(mode) {
    this.mode = mode
    for (const member of this.members) member.tell()
  }
}

// One coin of a board: its row, and its place on the ladder of age.
class Line {
  #say
  #said
  #marked

  constructor(row, root) {
    this.row = row
    this.#say = root.dataset
    this.#said = row.dataset.freshness
    this.#mark([...row.querySelectorAll('.mp-note > *')].map(({textContent}) => textContent.replace('· ', '')))
  }

  part(name) {
    return this.row.querySelector('.mp-' + name)
  }

  // The word beside the row that is not about its age: "single source".
  #mark(words) {
    const {sayDelayed, sayNone} = this.#say
    this.#marked = words.filter(word => word !== sayDelayed && word !== sayNone && !word.includes(' UTC'))
  }

  // Go down the ladder as far as it is time: never above the server's own rung, and not unmarked while the time is
  // unknown. Whether that is another rung.
  age() {
    const {liveUntil, delayedUntil, goneAt, freshness} = this.row.dataset
    let rung = RUNGS.indexOf(this.#said)
    if (liveUntil) {
      const due = past(goneAt) ? 3 : past(delayedUntil) ? 2 : past(liveUntil) || doubt && clock() - doubt > 1e4 ? 1 : 0
      rung = Math.max(rung, due)
    }
    if (freshness === RUNGS[rung]) return
    this.row.dataset.freshness = RUNGS[rung]
    this.#note(rung)
    if (rung > 2) {
      const price = this.part('price')
      price?.replaceChildren(unheard('—'))
      set(price, 'title')
      this.#change()
    }
    return true
  }

  #note(rung) {
    const [marked, say] = [this.#marked, this.#say]
    const {asOf, agreement} = this.row.dataset
    const disputed = agreement === 'disputed'
    let words = marked
    if (rung > 2) words = [say.sayNone, ...disputed ? marked : []]
    else if (asOf && (rung || disputed)) {
      const time = asOf.slice(11, 16).replace(/\d/g, digit => [...say.digits || '0123456789'][digit]) + ' UTC'
      words = rung < 2 ? [...marked, time] : [marked[0] ? time : say.sayAsOf.replace('{}', time), ...marked]
    }
    if (rung === 1) words = [say.sayDelayed, ...words]
    const note = this.part('note')
    note?.replaceChildren(...words.flatMap((word, place) => {
      const timed = word.includes(' UTC')
      const made = make(timed ? 'time' : 'span', '', (place ? '· ' : '') + word)
      if (timed) made.dateTime = asOf
      return place ? [' ', made] : made
    }))
  }

  // Where there are several, as in a table, each is in the column of its own period.
  #change(price, period) {
    for (const place of this.row.querySelectorAll('.mp-change')) {
      const column = place.parentNode.dataset.column ?? period
      const text = price?.text.changes[column]
      const sign = text && Math.sign(price['change_' + column]) + 1
      set(place, 'data-direction', ['down', 'flat', 'up'][sign])
      place.replaceChildren(...text ? [
        unheard(make('span', 'mp-arrow', '▼•▲'[sign]), ' ' + text), ' ',
        make('span', 'mp-spoken', price.text.spoken[column])
      ] : [])
    }
  }

  // Take over a Price of the API, with the server's words for it.
  take(price, period) {
    const {text} = price
    const place = this.part('price')
    const before = this.price?.price
    this.price = price
    this.#said = price.freshness
    this.#mark(text.notes)
    for (const name of ['agreement', 'as_of', 'live_until', 'delayed_until', 'gone_at']) {
      set(this.row, 'data-' + name.replace('_', '-'), price[name]?.replace(/\.\d+/, ''))
    }
    const short = this.#say.zeros && text.short
    if (place && (place.lastElementChild ?? place).textContent !== text.price) {
      place.replaceChildren(...short ? [unheard(short), ' ', make('span', 'mp-spoken', text.price)] : [text.price])
      const rise = before && price.price && price.price - before
      if (rise) place.dataset.moved = rise > 0 ? 'up' : 'down'
      setTimeout(() => delete place.dataset.moved, 700)
    }
    set(place, 'title', text.sources)
    set(this.part('note'), 'title', text.why)
    this.#change(price, period)
    this.row.dataset.freshness = ''
    this.age()
  }
}

class Prices extends HTMLElement {
  static observedAttributes = [...NAMES, 'kind', 'coin', 'live']
  coins = []
  #turn
  #old
  #root
  #hub
  #state
  #status
  #spoken
  #lines = []
  #news = new Set()
  #failures = 0
  #due = 0

  connectedCallback() {
    elements.add(this)
    setTimeout(beat)
  }

  disconnectedCallback() {
    elements.delete(this)
    // What was on its way is dropped, so it is asked for anew where the page has put us.
    this.#turn = this.#root = null
    this.#due = 0
    this.#leave()
  }

  attributeChangedCallback() {
    this.#due = 0
    setTimeout(beat)
  }

  #leave() {
    const hub = this.#hub
    this.#hub = null
    hub?.members.delete(this)
    if (hub?.members.size === 0) hub.close()
  }

  get #still() {
    return this.getAttribute('live') === 'off'
  }

  beat() {
    // Whoever meets us while the page is still being read has not seen what is inside.
    if (document.readyState === 'loading') return
    if (!this.#root) {
      const root = this.querySelector('[data-kind]')
      if (root) {
        this.#adopt(root)
        this.#old = Date.parse(root.dataset.asOf) + 6e5
        if (root.dataset.locale && !this.#still) this.#due = after(900)
      }
    }
    // What a page cache kept for long may have other coins and credits by now.
    if (this.#old < zero + clock()) {
      this.#old = NaN
      this.#due = 0
    }
    // Not while someone is at work in it.
    if (clock() >= this.#due && !this.contains(document.activeElement)) this.#load()
    const aged = this.#lines.filter(line => line.age())
    if (aged[0]) this.tell(aged)
    this.#speak()
  }

  // A page of ours in a frame is read again as it was asked for.
  get #url() {
    if (this.hasAttribute('framed')) return location
    const query = new URLSearchParams({css: 'link'})
    for (const name of NAMES) if (this.hasAttribute(name)) query.set(name, this.getAttribute(name))
    // Each attribute is one step of the path: none leads to data, whose text is not escaped for HTML.
    const [kind, coin] = ['kind', 'coin'].map(name => encodeURIComponent(this.getAttribute(name) ?? ''))
    return BASE + 'widget/' + (this.localName === 'market-price' ? 'price' : kind || 'list') + (coin && '/' + coin) + '?' + query
  }

  async #load() {
    const turn = this.#turn = {}
    this.#due = Infinity
    try {
      const page = new DOMParser().parseFromString(await (await read(this.#url)).text(), 'text/html')
      await Promise.all([...page.querySelectorAll('link[rel=stylesheet]')].map(sheet))
      if (turn !== this.#turn) return
      // Unless it was asked for again meanwhile.
      if (!this.#still) this.#due = Math.min(this.#due, after(this.hasAttribute('on') ? 60 : 900))
      const root = page.querySelector('[data-kind], .mp-error')
      if (!root) throw 0
      this.#failures = 0
      this.replaceChildren(...page.querySelectorAll('style'), root)
      this.#adopt(root)
    } catch {
      if (turn !== this.#turn) return
      this.#due = back(++this.#failures)
      this.tell()
    }
  }

  // The server's HTML is inside: find its rows, and keep them true. A cache may have handed out what is older than the
  // stream.
  #adopt(root) {
    const {currency, locale, change} = root.dataset
    this.#root = root
    if (this.title) root.title = ''
    this.#lines = [...root.querySelectorAll('[data-coin]')].map(row => new Line(row, root))
    this.coins = this.#lines.map(line => line.row.dataset.coin)
    const lively = locale && !this.#still && !this.hasAttribute('on')
    const hub = lively && (hubs[currency + locale] ??= new Hub(currency, locale))
    if (hub !== this.#hub) this.#leave()
    if (this.#hub = hub) hub.members.add(this)
    for (const line of this.#lines) {
      const price = hub && hub.prices[line.row.dataset.coin]
      if (price && !(Date.parse(price.as_of) < Date.parse(line.row.dataset.asOf))) line.take(price, change)
      line.age()
    }
    if (this.hasAttribute('announce')) {
      root.append(this.#status = set(make('p', 'mp-spoken'), 'role', 'status'))
    }
    this.#fire('update', {prices: []})
    this.tell()
    setTimeout(beat)
  }

  // From the hub: these prices are new.
  update(fresh, id, list) {
    // There is another list than the one inside, or it looks otherwise.
    if (list) this.#due = 0
    const prices = fresh.filter(price => this.coins.includes(price.id))
    const changed = []
    for (const line of this.#lines) {
      const {freshness} = line.row.dataset
      const price = prices.find(one => one.id === line.row.dataset.coin)
      if (price) line.take(price, this.#root.dataset.change)
      if (freshness !== line.row.dataset.freshness) changed.push(line)
    }
    if (!prices[0]) return
    // What is counted from prices beside the rows can only be read again.
    const {kind, show} = this.#root.dataset
    if (/card|chart|conv|table|cap|vol|spark/.test(kind + show)) this.#due = Math.min(this.#due, after(10))
    this.#fire('update', {id, prices})
    this.tell(changed)
  }

  // Tell the page where our numbers come from and how many rows stand on which rung, whenever that changes, and the
  // reader how old the oldest price is.
  tell(changed = []) {
    const rows = {live: 0, delayed: 0, stale: 0, none: 0}
    let oldest
    for (const line of this.#lines) {
      // The second copy of a tape is for the eye only.
      if (line.row.closest('[inert]')) continue
      if (changed.includes(line)) this.#news.add(line)
      const {freshness, asOf} = line.row.dataset
      rows[freshness]++
      if (asOf && freshness !== 'none' && !(Date.parse(asOf) >= Date.parse(oldest?.row.dataset.asOf))) oldest = line
    }
    const root = this.#root
    const place = root?.querySelector('.mp-asof')
    if (place && rows.none && !oldest && !rows.live) {
      place.textContent = root.dataset[rows.none > 1 ? 'sayEmpty' : 'sayNone']
      delete root.dataset.asOf
    }
    const text = oldest?.price?.text.as_of
    if (place && text && place.textContent !== text) {
      place.replaceChildren(make('time', '', text))
      place.firstChild.dateTime = root.dataset.asOf = oldest.row.dataset.asOf
    }
    const state = {connection: this.#failures ? 'lost' : this.#hub?.mode ?? 'off', rows}
    if (!same(state, this.#state)) this.#fire('state', this.#state = state)
  }

  #fire(name, detail) {
    this.dispatchEvent(new CustomEvent('mp:' + name, {bubbles: true, detail}))
  }

  // Say politely, at most once a minute, which prices have grown old or come back; only where that was asked for.
  #speak() {
    if (!this.#status || !this.#news.size || clock() < this.#spoken) return
    this.#spoken = clock() + 6e4
    this.#status.textContent = [...this.#news].map(line =>
      ['name', 'price', 'note'].map(name => line.part(name)?.textContent).join(' ')).join(', ')
    this.#news.clear()
  }
}

// Everything is driven from here, once a second while the page is seen.
let timer, seen
function beat() {
  clearTimeout(timer)
  if (document.hidden || !elements.size) return
  if (Math.abs(Date.now() - clock() - seen) > 5000) wake()
  seen = Date.now() - clock()
  for (const element of elements) element.beat()
  for (const hub of Object.values(hubs)) if (hub.members.size) hub.beat()
  timer = setTimeout(beat, 1000)
}
function wake() {
  doubt = clock()
  for (const hub of Object.values(hubs)) hub.close()
}
document.addEventListener('visibilitychange', () => {
  wake()
  beat()
})
document.addEventListener('DOMContentLoaded', beat)

customElements.define('market-prices', Prices)
customElements.define('market-price', class extends Prices {})

// A page of ours in a frame tells how high it is, and nothing else.
if (parent !== self && document.querySelector('[framed]')) {
  new ResizeObserver(() => {
    parent.postMessage({type: 'mp:height', height: Math.ceil(document.body.getBoundingClientRect().height)}, '*')
  }).observe(document.body)
}
})()
