// What tests see of the stand-in, and click. The element follows a click; the view only draws it.
function add(parent, tag, testid, textContent = "", onclick = null, id = "") {
  const part = Object.assign(document.createElement(tag), { textContent, onclick });
  Object.assign(part.dataset, { testid, id });
  return parent.appendChild(part);
}

function view(chat, page) {
  add(page, "button", "new-thread", "New", () => chat.setThreadId(null));
  const title = add(page, "header", "header");
  const list = add(page, "nav", "thread-list");
  const log = add(page, "main", "messages");
  const error = add(page, "p", "error");
  const composer = add(page, "textarea", "composer");
  const send = () => {
    chat.sendUserMessage({ text: composer.value });
    composer.value = "";
  };
  add(page, "button", "send", "Send", send);
  const stop = add(page, "button", "stop", "Stop", () => chat.running.abort());

  return () => {
    const { header, history, startScreen, threadItemActions } = chat.options;
    title.textContent = header?.enabled === false ? "" : (header?.title?.text ?? chat.thread?.title ?? "");
    error.textContent = chat.error?.message ?? "";
    stop.hidden = chat.running === null;
    show(list, chat.threads.map((thread) => threadRow(chat, thread, history)));
    const parts = chat.items.flatMap((item) => itemParts(chat, item, threadItemActions));
    const prompts = chat.thread ? [] : (startScreen?.prompts ?? []);
    show(log, [...parts, ...prompts.map((prompt) => startPrompt(chat, prompt))]);
  };
}

// What looks the same stays: a button that is replaced while it is pressed gets no click.
function show(parent, parts) {
  const next = document.createElement("div");
  next.append(...parts);
  if (next.innerHTML !== parent.innerHTML) parent.replaceChildren(...next.childNodes);
}

function threadRow(chat, { id, title = "" }, { showRename = true, showDelete = true }) {
  const row = add(new DocumentFragment(), "p", "thread", "", null, id);
  const change = (type, more, open) => chat.call(type, { thread_id: id, ...more }, () => chat.setThreadId(open));
  const rename = () => change("threads.update", { title: prompt("Title", title) }, chat.thread?.id);
  const remove = () => change("threads.delete", {}, chat.thread?.id === id ? null : chat.thread?.id);
  add(row, "button", "title", title, () => chat.setThreadId(id));
  if (showRename) add(row, "button", "thread-rename", "Rename", rename);
  if (showDelete) add(row, "button", "thread-delete", "Delete", remove);
  return row;
}

function itemParts(chat, { id, type, content }, { retry, feedback } = {}) {
  if (!type.endsWith("_message")) return [];
  const part = (tag, name, text, action) => add(new DocumentFragment(), tag, name, text, action, id);
  const rate = (kind) => () => chat.call("items.feedback", { item_ids: [id], kind });
  const message = part("pre", "message", content.map(({ text }) => text).join(""));
  message.dataset.role = type.split("_")[0];
  if (type === "user_message") return [message, ...(retry ? [part("button", "retry", "Retry", () => chat.retry(id))] : [])];
  if (!feedback) return [message];
  return [
    message,
    part("button", "feedback-up", "Good", rate("positive")),
    part("button", "feedback-down", "Bad", rate("negative")),
  ];
}

function startPrompt(chat, { label, prompt }) {
  const message = typeof prompt === "string" ? { text: prompt } : { content: prompt };
  return add(new DocumentFragment(), "button", "start-prompt", label, () => chat.sendUserMessage(message));
}

customElements.define("openai-chatkit", StandIn);
