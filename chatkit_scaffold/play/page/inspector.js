// The requests, events and responses beside the conversation, and what `check` has against them.
import { changed, run, store } from "./store.js";
import { Button, html, Json, JsonForm, Kept } from "./view.js";

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
/** The command that sends a request; the page knows the headers' names, but not their values. */
export function curl({ url, curl_headers: headers = [] }, request) {
  const options = ["Content-Type: application/json", ...headers].map(
    (line) => `-H ${quoted(line)}`,
  );
  const data = `--data-raw ${quoted(JSON.stringify(request))}`;
  return [`curl -N ${quoted(url)}`, ...options, data].join(" \\\n  ");
}

/** The rows of an exchange; a warning has the index of its event, or null for the response. */
function rowsOf({ request, events, warnings, ms, ...exchange }, position) {
  const row = (index, kind, values) => ({
    id: `${position}/${index}`,
    index,
    kind,
    warnings,
    ...values,
  });
  const { sent, bytes, status, type, failure, body } = exchange;
  const end = { ms, bytes, status, data: body ?? { status, type, failure } };
  return [
    row("request", request?.type, { ms: 0, bytes: sent, data: request }),
    ...events.map((event, index) => row(index, event.data?.type ?? "unknown", event)),
    ...(ms === undefined ? [] : [row(null, "response", end)]),
  ];
}

const Warning = ({ level, check, message, expected, got, fix }) =>
  html`<div class="notice warning"><strong>${level} ${check}</strong><p>${message}</p>
    <p>Expected ${expected}; got ${got}.</p><p>${fix}</p><code>chatkit-scaffold check --explain ${check}</code></div>`;

const Badge = ({ check, level }) =>
  html`<span class="badge ${level}" data-testid="warning" data-check=${check}>${check}</span>`;

function Row({ id, index, kind, ms, bytes, status, data, warnings = [], isOpen, isEdited }) {
  const own = warnings.filter(({ event }) => event === index);
  const toggle = ({ target }) => changed(void store.opened[target.open ? "add" : "delete"](id));
  const edit = () => changed({ edited: isEdited ? null : id, opened: store.opened.add(id) });
  const copy = () => navigator.clipboard.writeText(curl(store.config, data));
  return html`<div class="row ${index ?? status}" data-testid="row" data-kind=${kind}>
    ${
      index === "request" &&
      html`<span class="actions">
      <${Button} icon="edit" label="Edit and send again" data-testid="edit" onClick=${edit} />
      <${Button} icon="copy" label="Copy as curl" data-testid="copy-curl" onClick=${copy} /></span>`
    }
    <details open=${isOpen} onToggle=${toggle}>
      <summary><span class="kind">${kind} <small>${data?.update?.type?.replace(/^\w+\./, "") ?? status}</small></span>
        <span class="badges">${own.map((warning) => html`<${Badge} ...${warning} />`)}</span>
        <span class="ms">${Math.round(ms)} ms</span><span class="bytes">${bytes} B</span></summary>
      ${
        isOpen &&
        html`<div data-testid="row-detail">${own.map((warning) => html`<${Warning} ...${warning} />`)}
        ${
          isEdited
            ? html`<${JsonForm} label="Send" value=${data} field="edit-body" button="edit-send" onSend=${run} />`
            : html`<${Json} value=${data} />`
        }</div>`
      }
    </details></div>`;
}

export function Rows() {
  const { exchanges, filter, limit, warned, opened, edited } = store;
  const isShown = ({ index, kind, data, warnings }) =>
    (!warned || warnings?.some(({ event }) => event === index)) &&
    (!filter || `${kind} ${JSON.stringify(data)}`.toLowerCase().includes(filter.toLowerCase()));
  const rows = exchanges.flatMap(rowsOf).filter(isShown);
  const more = () => changed({ limit: limit + 500 });
  return html`
    ${rows.length > limit && html`<button class="quiet" onClick=${more}>Show earlier rows</button>`}
    ${rows.slice(-limit).map(
      (row) => html`<${Kept} key=${row.id} View=${Row} ...${row}
      isOpen=${opened.has(row.id)} isEdited=${edited === row.id} />`,
    )}`;
}
