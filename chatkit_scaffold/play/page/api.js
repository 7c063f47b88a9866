// Requests to the backend, through `play`, and what comes back.
import { createParser } from "./vendor/eventsource-parser.js";

export const user = new URLSearchParams(location.search).get("user") ?? "first";

const size = (text) => new TextEncoder().encode(text).length;
const post = (path, type, body, signal) =>
  fetch(path, { method: "POST", headers: { "Content-Type": type }, body, signal });

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Send the request of an exchange, record the response in it, and report each event. */
export async function send(exchange, onEvent) {
  const start = performance.now();
  const { events, controller } = exchange;
  const record = (text) => {
    exchange.bytes += size(text);
    events.push({ ms: performance.now() - start, bytes: size(text), data: parsed(text) });
    onEvent(events.at(-1).data, events.length - 1);
  };
  const parser = createParser({ onEvent: ({ data }) => record(data) });
  try {
    const sent = JSON.stringify(exchange.request);
    const response = await post(`send?user=${user}`, "application/json", sent, controller.signal);
    const type = response.headers.get("Content-Type");
    Object.assign(exchange, { sent: size(sent), status: response.status, type });
    exchange.id = response.headers.get("X-Play-Exchange");
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let read; !(read = await reader.read()).done;)
      if (type?.startsWith("text/event-stream")) parser.feed(read.value);
      else text += read.value;
    if (text) Object.assign(exchange, { body: parsed(text), bytes: size(text) });
  } catch (error) {
    exchange[controller.signal.aborted ? "stopped" : "failure"] = error.message;
  }
  exchange.ms = performance.now() - start;
}

/** Ask `play` which rules the response breaks; after a stop, it may notice the end a bit later. */
export async function judge({ id }) {
  for (let tries = 0; id && tries < 20; tries++) {
    const response = await fetch(`exchanges/${id}`).catch(() => null);
    if (response?.ok) return (await response.json()).warnings;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return [];
}

export const upload = (id, file) =>
  post(`upload?${new URLSearchParams({ user, attachment: id })}`, file.type || BYTES, file);
export const BYTES = "application/octet-stream";
