// The peer on Node's `ws`: node node.js PORT [--corked]
//
// Corked, what is answered to one read of the socket leaves with one write; plain, each answer is a write of its own, which is
// how most such servers are written.

import { WebSocketServer } from "ws";

import { answer } from "./lists.js";

const corked = process.argv.includes("--corked");
const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0), perMessageDeflate: false });

function cork(socket) {
  if (socket.writableCorked) return;
  socket.cork();
  setImmediate(() => socket.uncork());
}

server.on("connection", (client, { socket }) => {
  client.on("message", (frame) => {
    if (corked) cork(socket);
    client.send(answer(frame));
  });
  client.on("error", () => client.terminate());
});
server.on("listening", () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));
