// What the page shows, and the one way to change it: an exchange with the backend.
import { judge, send, user } from "./api.js";
import { applyEvent, applyRequest, EMPTY, show } from "./conversation.js";

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

function begin(exchange) {
  const { type, params } = exchange.request ?? {};
  const { key, thread } = store.state;
  if (type === "threads.create" && thread) store.state = show(store.state);
  if (type === "threads.get_by_id" && params?.thread_id !== key)
    store.state = show(store.state, params?.thread_id);
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

function end(exchange) {
  const { body, failure, request, status, stopped } = exchange;
  const isFine = stopped || (status < 300 && !failure);
  if (isFine && body) store.state = applyRequest(store.state, request, body);
  changed({ problem: isFine ? null : problem(exchange) });
}

/** Send a request, and show what it changes; returns the exchange. */
export async function run(request) {
  const controller = new AbortController();
  const exchange = { at: new Date(), user, request, events: [], bytes: 0, controller };
  begin(exchange);
  store.exchanges.push(exchange);
  changed();
  await send(exchange, (event, index) => follow(exchange, event, index));
  end(exchange);
  judge(exchange).then((warnings) => changed(void Object.assign(exchange, { warnings })));
  return exchange;
}

/** Show a saved session as if its exchanges took place now. */
export function replay(session) {
  Object.assign(store, { session, state: EMPTY, exchanges: session.exchanges });
  for (const exchange of session.exchanges) {
    begin(exchange);
    exchange.events.forEach(({ data }, index) => follow(exchange, data, index));
    end(exchange);
  }
}

/** The sentence in the response to a refused request, in the forms that are common. */
export function said(body) {
  const text = body?.error?.message ?? body?.error ?? body?.detail ?? body?.message ?? body;
  return (typeof text === "string" ? text : JSON.stringify(text ?? "")).slice(0, 500);
}

function problem({ body, failure, request, status }) {
  const { code, hint } = body?.error ?? {};
  let title = failure ? "The response broke off" : `${request?.type}: status ${status}`;
  if (status === undefined) title = "play is not reachable: is the command still running?";
  if (code === "unreachable") title = "The backend is not reachable";
  if (status === 401)
    title = "The backend refused the credentials (401): pass valid ones with --header";
  return { title, text: failure ?? said(body), hint };
}
