// The peer on Bun's own server: bun bun.js PORT. It gathers by itself what is answered to one read.

import { answer } from "./lists.js";

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2] ?? 0),
  fetch: (request, server) => (server.upgrade(request) ? undefined : new Response("a WebSocket only", { status: 426 })),
  websocket: {
    perMessageDeflate: false,
    message(client, frame) {
      client.send(answer(frame));
    },
  },
});
console.log(`listening on ws://127.0.0.1:${server.port}`);
