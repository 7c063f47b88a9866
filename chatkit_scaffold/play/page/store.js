// What the page shows, and the one way to change it: an exchange with the backend, through `play`.
import { applyEvent, applyRequest, EMPTY, show } from "./conversation.js";
import { createParser } from "./vendor/eventsource-parser.js";

export const user = new URLSearchParams(location.search).get("user") ?? "first";
export const store = { state: EMPTY, exchanges: [], files: [], opened: new Set(), limit: 500 };

let draw;
let frame;
export const onChange = (callback) => (draw = callback);
/** Draw once per frame, however many events arrive in it. */
export function changed(values = {}) {
  Object.assign(store, values);
  frame ??= requestAnimationFrame(() => draw((frame = undefined)));
}

const STREAMING = /^threads\.(create|add_|retry|custom_action)/;
const isRunning = ({ key, ms, request }) =>
  ms === undefined && key === store.state.key && STREAMING.test(request?.type);
export const running = () => store.exchanges.findLast(isRunning);
export const stop = () => store.state.cancellable && running()?.controller.abort();

const size = (text) => new TextEncoder().encode(text).length;
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function begin(exchange) {
  const { type, params } = exchange.request ?? {};
  if (type === "threads.create") store.state = show(store.state);
  if (type === "threads.get_by_id") store.state = show(store.state, params?.thread_id);
  exchange.key = params?.thread_id ?? store.state.key;
}

function follow(exchange, event, index) {
  const isOpen = exchange.key === store.state.key;
  if (isOpen && index === 0) store.state = applyRequest(store.state, exchange.request);
  // Of a thread that is not open, only the title is of interest.
  const title = { type: "thread.updated", thread: event?.thread };
  store.state = applyEvent(store.state, isOpen ? event : title);
  if (event?.type === "thread.created") exchange.key = event.thread?.id;
  changed();
}

const HINTS = { 401: "Pass valid credentials with --header.", undefined: "Is play still running?" };
function end({ body, failure, request, status, stopped }) {
  const isFine = stopped || (status < 300 && !failure);
  if (isFine && body) store.state = applyRequest(store.state, request, body);
  const { message = JSON.stringify(body), hint } = body?.error ?? {};
  const title = `${request?.type}: ${failure ?? `status ${status}`}`;
  const problem = [title, message, HINTS[status] ?? hint];
  changed({ problem: isFine ? null : problem.filter(Boolean).join(" — ") });
}

/** Record the response to the request of an exchange, and follow its events. */
async function receive(exchange, start) {
  const { events, controller, request } = exchange;
  const parser = createParser({
    onEvent: ({ data }) => {
      exchange.bytes += size(data);
      events.push({ ms: performance.now() - start, bytes: size(data), data: parsed(data) });
      follow(exchange, events.at(-1).data, events.length - 1);
    },
  });
  const sent = { method: "POST", body: JSON.stringify(request), signal: controller.signal };
  exchange.sent = size(sent.body);
  const headers = { "Content-Type": "application/json" };
  const response = await fetch(`send?user=${user}`, { ...sent, headers });
  const id = response.headers.get("X-Play-Exchange");
  const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
  Object.assign(exchange, { id, status: response.status });
  let text = "";
  for await (const piece of response.body.pipeThrough(new TextDecoderStream()))
    if (isStream) parser.feed(piece);
    else text += piece;
  if (text) Object.assign(exchange, { body: parsed(text), bytes: size(text) });
}

/** Ask `play` which rules the response breaks; after a stop, it may notice the end a bit later. */
async function judge({ id }) {
  for (let tries = 0; id && tries < 20; tries++) {
    const response = await fetch(`exchanges/${id}`).catch(() => null);
    if (response?.ok) return (await response.json()).warnings;
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Send any request, and show what it changes; returns the exchange. */
export async function run(request) {
  const controller = new AbortController();
  const exchange = { at: new Date(), user, request, events: [], bytes: 0, controller };
  const start = performance.now();
  begin(exchange);
  store.exchanges.push(exchange);
  changed();
  await receive(exchange, start).catch(({ message }) => {
    exchange[controller.signal.aborted ? "stopped" : "failure"] = message;
  });
  exchange.ms = performance.now() - start;
  end(exchange);
  judge(exchange).then((warnings) => changed(void Object.assign(exchange, { warnings })));
  return exchange;
}
export const call = (type, params) => run({ type, params });
export const here = (type, params) => call(type, { thread_id: store.state.key, ...params });

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
/** The command that sends a request; the page knows the headers' names, but not their values. */
export function curl({ url, curl_headers: headers = [] }, request) {
  const lines = ["Content-Type: application/json", ...headers];
  const options = lines.map((line) => `-H ${quoted(line)}`);
  const data = `--data-raw ${quoted(JSON.stringify(request))}`;
  return [`curl -N ${quoted(url)}`, ...options, data].join(" \\\n  ");
}

/** Download the session. An upload's address, which may contain a signature, is not in it. */
export function save() {
  const exchanges = store.exchanges.map(({ controller, key, ...exchange }) => exchange);
  const session = { play: 1, url: store.config.url, saved_at: new Date(), exchanges };
  const hide = (key, value) => (key === "upload_descriptor" ? "hidden" : value);
  const href = URL.createObjectURL(new Blob([JSON.stringify(session, hide, 1)]));
  Object.assign(document.createElement("a"), { href, download: "play-session.json" }).click();
}

/** Show a saved session as if its exchanges took place now. */
export async function open(file) {
  const session = JSON.parse(await file.text());
  if (session?.play !== 1) throw new Error("It is not a session that play saved.");
  store.exchanges.forEach(({ controller }) => controller?.abort());
  Object.assign(store, { session, state: EMPTY, exchanges: session.exchanges });
  for (const exchange of session.exchanges) {
    // The views get each value by its name, and the file may be anybody's.
    exchange.events = exchange.events.map(({ ms, bytes, data }) => ({ ms, bytes, data }));
    begin(exchange);
    exchange.events.forEach(({ data }, index) => follow(exchange, data, index));
    end(exchange);
  }
}
