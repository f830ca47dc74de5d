// The page's connection: it speaks the methods that everybody speaks, comes back by itself, and hears then what it missed.

const PAUSE_MS = 500;
const PAUSE_MS_MAX = 10_000;
const FIRST_MAX = 1000;

export class Refusal extends Error {
  constructor(frame) {
    super(frame.message);
    this.frame = frame;
    this.isForbidden = frame.error === 160017;
  }
}

export class Gateway {
  #url;
  #tell;
  #socket;
  #waiting = new Map();
  #last = 0;
  #watches = new Set();
  #traffic = new Set();
  #seq;
  #pause = PAUSE_MS;

  // `tell` hears whether the connection stands, and where it does not, why; it says whether to come back.
  constructor(url, tell) {
    this.#url = url;
    this.#tell = tell;
    this.#connect();
  }

  // Sends a message and gives its answer, all frames of it as one.
  call(method, fields = {}) {
    return new Promise((done, failed) => {
      if (this.#socket.readyState !== WebSocket.OPEN) {
        failed(new Error('There is no connection to the gateway now; try again when it is back.'));
        return;
      }
      const reference = ++this.#last;
      this.#waiting.set(reference, { done, failed, isWalk: fields.cursor !== undefined });
      this.#socket.send(JSON.stringify({ ...fields, method, reference }));
    });
  }

  // What a list has, as much of it as a page holds, and words for its caption where that is not all.
  async first(method, name, fields = {}) {
    const { [name]: items, eop } = await this.call(method, { ...fields, page_size: FIRST_MAX });
    return { items, part: eop ? '' : `, the first ${FIRST_MAX.toLocaleString()}` };
  }

  // Has a listener hear of changes, perhaps of those since one too: each event, and `undefined` where some were missed. Gives
  // what ends that.
  watch(about, listener, since) {
    const watch = { about, listener };
    this.#watches.add(watch);
    this.#subscribe(watch, since).catch(() => {});
    return () => {
      this.#watches.delete(watch);
      const others = [...this.#watches].some((other) => isSame(other.about, about));
      if (!others) this.call('unsubscribeFromEvent', about).catch(() => {});
    };
  }

  // Has a listener hear of the traffic of all connections but this one: each frame of it. Gives what ends that.
  async watchTraffic(listener) {
    this.#traffic.add(listener);
    try {
      await this.call('watchTraffic', { watch: true });
    } catch (error) {
      this.#traffic.delete(listener);
      throw error;
    }
    return () => {
      this.#traffic.delete(listener);
      if (this.#traffic.size === 0) this.call('watchTraffic', { watch: false }).catch(() => {});
    };
  }

  #connect() {
    this.#socket = new WebSocket(this.#url);
    this.#socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    this.#socket.onclose = ({ code, reason }) => this.#lose(code, reason);
  }

  async #lose(code, reason) {
    for (const { failed } of this.#waiting.values()) failed(new Error('The connection ended before the answer came.'));
    this.#waiting.clear();
    if (!await this.#tell({ stands: false, code, reason })) return;
    setTimeout(() => this.#connect(), this.#pause * (0.5 + Math.random() / 2));
    this.#pause = Math.min(this.#pause * 2, PAUSE_MS_MAX);
  }

  #hear(frame) {
    if (frame.method === 'TOKEN_AUTH_OK') {
      this.#pause = PAUSE_MS;
      for (const watch of this.#watches) this.#subscribe(watch, this.#seq).catch(() => {});
      if (this.#traffic.size > 0) this.call('watchTraffic', { watch: true }).catch(() => {});
      this.#tell({ stands: true });
    } else if (frame.method === 'eventMessage') {
      this.#pass(frame);
    } else if (frame.method === 'trafficMessage') {
      for (const listener of this.#traffic) listener(frame);
    } else {
      this.#answer(frame);
    }
  }

  #answer(frame) {
    const waiting = this.#waiting.get(frame.reference);
    if (!waiting) return;
    if (frame.error !== undefined) {
      this.#waiting.delete(frame.reference);
      waiting.failed(new Refusal(frame));
      return;
    }
    for (const [name, value] of Object.entries(waiting.before ?? {})) {
      if (Array.isArray(value)) frame[name] = [...value, ...frame[name]];
    }
    waiting.before = frame;
    // Of a page that comes in several frames only the last says whether the list ends.
    if ((waiting.isWalk || frame.page_number !== undefined) && frame.eop === undefined) return;
    this.#waiting.delete(frame.reference);
    waiting.done(frame);
  }

  async #subscribe({ about, listener }, since) {
    const { seq, resumed } = await this.call('subscribeToEvent', { ...about, since_seq: since });
    if (resumed === false) listener(undefined);
    this.#seq = Math.max(this.#seq ?? 0, since === undefined || resumed === false ? seq : since);
  }

  #pass(event) {
    this.#seq = Math.max(this.#seq ?? 0, event.seq);
    for (const { about, listener } of this.#watches) {
      const isMissed = event.event === 'missed';
      const concerns = about.events.includes('*') || (about.events.includes(event.event) && isSame(about, event));
      if (isMissed || concerns) listener(isMissed ? undefined : event);
    }
  }
}

// Whether two are about the same app, organisation or user.
const isSame = (one, other) => ['app_id', 'org_id', 'user_id'].every((id) => one[id] === other[id]);

// An id that nobody has by chance: seventeen digits, of which one is given.
export const newId = (first) => `${first}${Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte % 10).join('')}`;
