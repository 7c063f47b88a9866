// Sends two requests through the `fetch` of the compiled `Chat.tsx` and prints the headers that arrive.
import { createServer } from "node:http";
import { once } from "node:events";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { Chat } from "./out/Chat.js";

const received = [];
const server = createServer((request, response) => {
  received.push(request.headers);
  response.end();
});
await once(server.listen(0, "127.0.0.1"), "listening");
const url = `http://127.0.0.1:${server.address().port}`;

let api;
renderToString(
  createElement(function Page() {
    const chat = Chat({ getToken: async () => "the-token" });
    api = chat.props.control.options.api;
    return chat;
  }),
);

await api.fetch(url, { method: "POST", body: "{}", headers: new Headers({ "Accept-Language": "de" }) });
await api.fetch(url);
server.close();
console.log(JSON.stringify(received));
