// The page: threads, the composer, and where the views go.
import { Button, File, html, Items } from "./chat.js";
import { show } from "./conversation.js";
import { Rows } from "./inspector.js";
import { call, changed, here, onChange, open, running, save, stop, store, user } from "./store.js";
import { render } from "./vendor/preact.js";

const byId = (id) => document.getElementById(id);
const ALL = { limit: 9999, order: "desc" };

async function openThread(thread_id) {
  byId("chat").checked = true;
  const { body } = await call("threads.get_by_id", { thread_id });
  // The first page has the oldest items; a conversation begins with the newest.
  if (body?.items?.has_more) call("items.list", { thread_id, limit: 100, order: "desc" });
}

function Thread({ id: thread_id, title, isOpen }) {
  const rename = () => {
    const text = prompt("Title of the thread", title ?? "");
    if (text) call("threads.update", { thread_id, title: text });
  };
  const remove = () => confirm(`Delete “${title}”?`) && call("threads.delete", { thread_id });
  return html`<li data-testid="thread" data-id=${thread_id} class=${isOpen && "open"}>
    <button class="title" aria-current=${isOpen} onClick=${() => openThread(thread_id)}>
      ${title || "Untitled"}</button>
    <${Button} name="thread-rename" label="Rename" onClick=${rename} />
    <${Button} name="thread-delete" label="Delete" onClick=${remove} />
  </li>`;
}

function Threads() {
  const { threads, more, key } = store.state;
  const page = () => call("threads.list", { ...ALL, after: more });
  return html`
    ${threads.map((one) => html`<${Thread} key=${one.id} ...${one} isOpen=${one.id === key} />`)}
    ${more && html`<button class="quiet" onClick=${page}>Show more</button>`}`;
}

const Problem = () =>
  store.problem && html`<p role="alert" data-testid="error">${store.problem}</p>`;

async function attach(file) {
  const mime_type = file.type || "application/octet-stream";
  const params = { name: file.name, size: file.size, mime_type };
  const { status, body } = await call("attachments.create", params);
  byId("files").disabled = body?.error?.code === "not_supported" || status >= 500;
  if (!(status < 300)) return;
  const path = `upload?${new URLSearchParams({ user, attachment: body.id })}`;
  const sent = { method: "POST", headers: { "Content-Type": mime_type }, body: file };
  const response = body.upload_descriptor && (await fetch(path, sent));
  if (!response || response.ok) changed({ files: [...store.files, body] });
  else changed({ problem: `The file was not uploaded: ${await response.text()}` });
}

async function submit(event) {
  event.preventDefault();
  const { files, state } = store;
  const text = byId("text").value;
  if (running() || !(text.trim() || files.length)) return;
  const content = [{ type: "input_text", text }];
  const attachments = files.map(({ id }) => id);
  const input = { content, attachments, quoted_text: "", inference_options: {} };
  byId("text").value = "";
  changed({ files: [] });
  const isNew = typeof state.key === "symbol";
  const { events } = isNew
    ? await call("threads.create", { input })
    : await here("threads.add_user_message", { input });
  if (!events.length) byId("text").value ||= text; // Nothing came back: the user can try again.
}

const Files = () => store.files.map(File);
const VIEWS = { threads: Threads, items: Items, problem: Problem, drafts: Files, rows: Rows };
onChange(() => {
  const { problem, session, state } = store;
  for (const [id, View] of Object.entries(VIEWS)) render(html`<${View} />`, byId(id));
  const isBusy = Boolean(running());
  const live = isBusy ? "Answering…" : (problem ?? "Connected");
  byId("status").textContent = session ? `Session of ${session.saved_at}; reload to leave` : live;
  byId("stop").disabled = !state.cancellable;
  // What is hidden while an answer streams, and in a saved session, is in the style sheet.
  Object.assign(document.body.dataset, { busy: isBusy, saved: Boolean(session) });
});

const on = (id, name, listener) => byId(id).addEventListener(name, listener);
on("new", "click", () => {
  changed({ state: show(store.state), problem: null });
  byId("text").focus();
});
on("composer", "submit", submit);
on("text", "keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) submit(event);
});
on("stop", "click", stop);
on("files", "change", ({ target }) => {
  [...target.files].forEach(attach);
  target.value = ""; // so that the same file can be chosen again
});
on("filter", "input", ({ target }) => changed({ filter: target.value.toLowerCase() }));
on("save", "click", save);
on("open", "change", ({ target }) => open(target.files[0]));
// What the page cannot read, such as wrong JSON in a field, is a problem like any other.
addEventListener("error", ({ message }) => changed({ problem: message }));
addEventListener("unhandledrejection", ({ reason }) => changed({ problem: reason.message }));
addEventListener("keydown", ({ key }) => key === "Escape" && stop());

const config = await (await fetch("config")).json();
changed({ config });
byId("backend").textContent = config.url;
byId(user).ariaCurrent = "page";
byId("users").hidden = config.users.length < 2;
byId("send").disabled = false;
call("threads.list", ALL);
