// The requests, events and responses beside the conversation, and what `check` has against them.
import { Button, html, Json, JsonForm, Kept } from "./chat.js";
import { changed, curl, run, store } from "./store.js";

/** The rows of an exchange; a warning has the index of its event, or null for the response. */
function rowsOf({ request, sent, events, warnings, ...exchange }, position) {
  const { ms, bytes, status, failure, body = { status, failure } } = exchange;
  const rows = [
    { index: "request", ms: 0, bytes: sent, data: request },
    ...events.map((event, index) => ({ index, ...event })),
  ];
  if (ms !== undefined) rows.push({ index: null, ms, bytes, status, data: body });
  return rows.map((row) => ({ id: `${position}/${row.index}`, warnings, ...row }));
}
const ownWarnings = ({ index, warnings }) => warnings?.filter(({ event }) => event === index) ?? [];

const Badge = ({ check, level, message }) =>
  html`<span class="badge ${level}" data-testid="warning" data-check=${check} title=${message}>
    ${check}</span>`;

const Warning = ({ check, level, message, expected, got, fix }) =>
  html`<section class="card warning"><h3>${level} ${check}</h3><p>${message}</p>
    <p>Expected ${expected}; got ${got}.</p><p>${fix}</p>
    <code>chatkit-scaffold check --explain ${check}</code></section>`;

function Row({ isOpen, ...row }) {
  const { id, index, ms, bytes, status, data } = row;
  const kind = index === null ? "response" : (data?.type ?? "unknown");
  const change = data?.update?.type?.replace("assistant_message.", "");
  const warnings = ownWarnings(row);
  const toggle = ({ target }) => changed(void store.opened[target.open ? "add" : "delete"](id));
  const edit = () => changed({ opened: store.opened.add(id) });
  const copy = () => navigator.clipboard.writeText(curl(store.config, data));
  const actions = html`<span class="actions">
    <${Button} name="edit" label="Edit and send again" onClick=${edit} />
    <${Button} name="copy-curl" label="Copy as curl" onClick=${copy} /></span>`;
  const form = html`<${JsonForm} name="edit" field="body" value=${data} onSend=${run} />`;
  const detail = html`<div data-testid="row-detail">
    ${warnings.map(Warning)}
    ${index === "request" ? form : html`<${Json} value=${data} />`}</div>`;
  return html`<div class="row ${index ?? status}" data-testid="row" data-kind=${kind}>
    ${index === "request" && actions}
    <details open=${isOpen} onToggle=${toggle}><summary>
      <span class="kind">${kind} <small>${change ?? status}</small></span>
      <span class="badges">${warnings.map(Badge)}</span>
      <span class="ms">${Math.round(ms)} ms</span><span class="bytes">${bytes} B</span></summary>
      ${isOpen && detail}</details></div>`;
}

export function Rows() {
  const { exchanges, filter, limit, opened } = store;
  const isShown = (row) =>
    !filter ||
    JSON.stringify([row.data, ownWarnings(row)])
      .toLowerCase()
      .includes(filter);
  const rows = exchanges.flatMap(rowsOf).filter(isShown);
  const more = () => changed({ limit: limit + 500 });
  const View = (row) =>
    html`<${Kept} key=${row.id} View=${Row} ...${row} isOpen=${opened.has(row.id)} />`;
  return html`
    ${rows.length > limit && html`<button class="quiet" onClick=${more}>Show earlier rows</button>`}
    ${rows.slice(-limit).map(View)}`;
}
