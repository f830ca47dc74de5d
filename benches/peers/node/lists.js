// This is where the peers in JavaScript keep their lists and answer a message: from memory alone, in the gateway's shape.

const PAGE_SIZE_DEFAULT = 50;

const apps = new Map();
let lastId = 0;

const methods = {
  TOKEN_AUTH: () => ({ method: "TOKEN_AUTH_OK", ID: "1", id: "1", name: "Peer", date: 0, is_nandbox: 0, localId: 0, email: null }),

  PING: () => ({ method: "PONG" }),

  addToWhitelist({ app_id, signups, reference }) {
    let app = apps.get(app_id);
    if (!app) apps.set(app_id, (app = { byId: new Map(), people: [] }));
    return { method: "addToWhitelist_ack", app_id, signups: signups.map((signup) => add(app, signup)), reference };
  },

  checkAccess({ subject, resource, reference }) {
    const entry = apps.get(resource.id)?.byId.get(subject.id);
    const reason = entry ? "whitelisted" : "not_whitelisted";
    return { method: "checkAccessResponse", decision: Boolean(entry), context: { reason, entry }, reference };
  },

  getWhitelistUsers({ app_id, page_size = PAGE_SIZE_DEFAULT, page_number = 0, reference }) {
    const people = apps.get(app_id)?.people ?? [];
    const end = (page_number + 1) * page_size;
    const signups = people.slice(end - page_size, end);
    return { method: "getWhitelistUsersResponse", app_id, signups, page_number, eop: end >= people.length, reference };
  },
};

function add(app, { signup_id, tags }) {
  let person = app.byId.get(signup_id);
  if (!person) {
    person = { id: String(++lastId), signup_id, tags };
    app.byId.set(signup_id, person);
    app.people.push(person);
  } else if (tags) {
    person.tags = tags;
  }
  return person;
}

/** The answer to a frame, as text. */
export function answer(frame) {
  let message = {};
  try {
    message = JSON.parse(frame);
    const method = methods[message.method];
    if (method) return JSON.stringify(method(message));
    return JSON.stringify({ error: 405, reference: message.reference, message: `there is no method ${message.method}` });
  } catch (error) {
    return JSON.stringify({ error: 400, reference: message?.reference, message: String(error) });
  }
}
