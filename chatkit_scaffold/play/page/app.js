// The page: threads, the composer, and where the views go.
import { BYTES, upload, user } from "./api.js";
import { Items } from "./chat.js";
import { show } from "./conversation.js";
import { Rows } from "./inspector.js";
import { open, save } from "./session.js";
import { changed, onChange, run, running, said, stop, store } from "./store.js";
import { render } from "./vendor/preact.js";
import { Button, html } from "./view.js";

const byId = (id) => document.getElementById(id);
const call = (type, params) => run({ type, params });
const ALL = { limit: 9999, order: "desc" };

async function openThread(thread_id) {
  byId("chat").checked = true;
  const { body } = await call("threads.get_by_id", { thread_id });
  // The first page has the oldest items; a conversation begins with the newest.
  if (body?.items?.has_more) call("items.list", { thread_id, limit: 100, order: "desc" });
}

function Thread({ id, title, isOpen }) {
  const rename = () => {
    const text = prompt("Title of the thread", title ?? "");
    if (text) call("threads.update", { thread_id: id, title: text });
  };
  const remove = () =>
    confirm(`Delete “${title ?? id}”?`) && call("threads.delete", { thread_id: id });
  return html`<li data-testid="thread" data-id=${id} class=${isOpen && "open"}>
    <button class="title" aria-current=${isOpen} onClick=${() => openThread(id)}>${title || "Untitled"}</button>
    <${Button} icon="rename" label="Rename" data-testid="thread-rename" onClick=${rename} />
    <${Button} icon="delete" label="Delete" data-testid="thread-delete" onClick=${remove} />
  </li>`;
}

function Threads() {
  const { threads, more, key } = store.state;
  const page = () => call("threads.list", { ...ALL, after: more });
  return html`
    ${threads.map((each) => html`<${Thread} key=${each.id} ...${each} isOpen=${each.id === key} />`)}
    ${more && html`<button class="quiet" onClick=${page}>Show more</button>`}`;
}

const Problem = () =>
  store.problem &&
  html`<div class="notice danger" role="alert" data-testid="error">
    <strong>${store.problem.title}</strong><p>${store.problem.text}</p><p>${store.problem.hint}</p></div>`;

function Drafts() {
  const { files, quote } = store;
  const unquote = () => changed({ quote: null });
  const drop = (file) => changed({ files: files.filter((other) => other !== file) });
  const File = ({ file }) =>
    html`<span class="chip" data-testid="attachment">${file.name}
      <${Button} icon="close" label="Remove" onClick=${() => drop(file)} /></span>`;
  return html`${files.map((file) => html`<${File} file=${file} />`)}
    ${
      quote &&
      html`<blockquote>${quote}
      <${Button} icon="close" label="Do not quote" onClick=${unquote} /></blockquote>`
    }`;
}

async function attach(file) {
  const params = { name: file.name, size: file.size, mime_type: file.type || BYTES };
  const { status, body } = await call("attachments.create", params);
  const isNever = body?.error?.code === "not_supported" || status >= 500;
  if (status >= 300) return (byId("files").disabled = isNever);
  const response = body.upload_descriptor && (await upload(body.id, file));
  if (!response || response.ok) return changed({ files: [...store.files, body] });
  changed({ problem: { title: "The file was not uploaded", text: said(await response.json()) } });
}

async function submit(event) {
  event.preventDefault();
  const { files, quote, state } = store;
  const text = byId("text").value;
  if (running() || !(text.trim() || files.length)) return;
  const attachments = files.map(({ id }) => id);
  const content = [{ type: "input_text", text }];
  const input = { content, attachments, quoted_text: quote ?? "", inference_options: {} };
  const isNew = typeof state.key === "symbol";
  byId("text").value = "";
  changed({ files: [], quote: null });
  const { events } = isNew
    ? await call("threads.create", { input })
    : await call("threads.add_user_message", { thread_id: state.key, input });
  if (events.length || byId("text").value) return;
  byId("text").value = text; // Nothing came back, so the user can send it again.
  changed({ files, quote });
}

/** Move the focus through the threads or the rows. */
function move({ currentTarget, key, target }) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[key];
  const all = [...currentTarget.querySelectorAll(".title, summary")];
  if (step && all.includes(target)) all[all.indexOf(target) + step]?.focus();
}

onChange(() => {
  const { problem, session, state } = store;
  const views = { threads: Threads, items: Items, problem: Problem, drafts: Drafts, rows: Rows };
  for (const [id, View] of Object.entries(views)) render(html`<${View} />`, byId(id));
  const isBusy = Boolean(running());
  const live = isBusy ? "Answering…" : (problem?.title ?? "Connected");
  byId("status").textContent = session ? `Session of ${session.saved_at}; reload to leave` : live;
  byId("title").textContent = state.thread?.title ?? "New thread";
  byId("items").ariaBusy = isBusy;
  Object.assign(byId("stop"), { hidden: !isBusy, disabled: !state.cancellable });
  byId("send").hidden = isBusy;
  document.body.classList.toggle("saved", Boolean(session));
  for (const part of document.querySelectorAll(".threads, .chat")) part.inert = Boolean(session);
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
on("filter", "input", ({ target }) => changed({ filter: target.value }));
on("warned", "change", ({ target }) => changed({ warned: target.checked }));
on("save", "click", save);
on("open", "change", ({ target }) => {
  const refuse = ({ message }) => changed({ problem: { title: "Not opened", text: message } });
  open(target.files[0]).catch(refuse);
});
on("threads", "keydown", move);
on("rows", "keydown", move);
addEventListener("keydown", ({ key }) => key === "Escape" && stop());

const config = await (await fetch("config")).json();
changed({ config });
byId("backend").textContent = config.url;
byId("user").textContent = `${user} user`;
byId("user").hidden = config.users.length < 2;
byId("user").href = user === "first" ? "?user=second" : "?user=first";
call("threads.list", ALL);
