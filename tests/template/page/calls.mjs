// Sends three requests through the `fetch` of the compiled `Chat.tsx` and prints what it calls. Node has
// no cookies: only the arguments show whether a browser would send them.
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { Chat } from "./out/Chat.js";

const calls = [];
globalThis.fetch = async (input, init) => {
  calls.push([new URL(input).pathname, init.method, init.credentials ?? "same-origin"]);
  return new Response(null, { status: calls.length === 1 ? 503 : 200 });
};

let api;
renderToString(
  createElement(function Page() {
    const chat = Chat({});
    api = chat.props.control.options.api;
    return chat;
  }),
);

const send = () => api.fetch(api.url, { method: "POST", body: "{}" });
await send().catch(() => {});
await Promise.all([send(), send()]);
console.log(JSON.stringify(calls));
