// The page's connection: it speaks the methods that everybody speaks, comes back by itself, and hears then what it missed.

const PAUSE_MS = 500;
const PAUSE_MS_MAX = 10_000;

export class Refusal extends Error {
  constructor({ error, message }) {
    super(message);
    this.code = error;
  }
}

export class Gateway {
  #url;
  #tell;
  #socket;
  #waiting = new Map();
  #last = 0;
  #watches = new Set();
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
      this.#waiting.set(reference, { done, failed, isPage: method.startsWith('get') });
      this.#socket.send(JSON.stringify({ ...fields, method, reference }));
    });
  }

  // Has a listener hear of changes: each event, and `undefined` where some were missed. Gives what ends that.
  watch(about, listener) {
    const watch = { about, listener };
    this.#watches.add(watch);
    this.#subscribe(watch).catch(() => {});
    return () => {
      this.#watches.delete(watch);
      const others = [...this.#watches].some((other) => other.about.app_id === about.app_id);
      if (!others) this.call('unsubscribeFromEvent', about).catch(() => {});
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
      this.#tell({ stands: true });
    } else if (frame.method === 'eventMessage') {
      this.#pass(frame);
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
    if (waiting.isPage && frame.eop === undefined) return;
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
      const concerns = about.events.includes('*') || (about.events.includes(event.event) && about.app_id === event.app_id);
      if (isMissed || concerns) listener(isMissed ? undefined : event);
    }
  }
}
