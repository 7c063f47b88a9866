// The items of a conversation, and what one can answer to them.
import DOMPurify from "./vendor/dompurify.js";
import { marked } from "./vendor/marked.js";
import { actionsIn } from "./conversation.js";
import { changed, run, store } from "./store.js";
import { Button, html, Json, JsonForm, Kept } from "./view.js";

const here = (type, params) => run({ type, params: { thread_id: store.state.key, ...params } });

// A backend's text must not run, load anything or imitate the page.
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") Object.assign(node, { target: "_blank", rel: "noopener noreferrer" });
  if (node.tagName === "IMG" && !node.src.startsWith("data:")) node.removeAttribute("src");
});
const FORBID_TAGS = ["style", "form", "input", "button", "textarea", "select", "video", "audio"];
const FORBID_ATTR = ["style", "class", "id", "name", "srcset", "background", "role"];
const CLEAN = { USE_PROFILES: { html: true }, FORBID_TAGS, FORBID_ATTR, ALLOW_DATA_ATTR: false };
function Markdown({ text }) {
  const __html = DOMPurify.sanitize(marked.parse(String(text ?? "")), CLEAN);
  return html`<div class="markdown" dangerouslySetInnerHTML=${{ __html }} />`;
}

const Card = ({ name, children, ...rest }) =>
  html`<section class="card" ...${rest}><h3>${name}</h3>${children}</section>`;
const Source = ({ source: { url, title, filename } }) =>
  html`<a class="chip" href=${/^https?:/.test(url) && url} target="_blank" rel="noopener noreferrer">
    ${title ?? filename}</a>`;
const Retry = ({ id }) =>
  html`<${Button} icon="retry" label="Answer again" data-testid="retry"
    onClick=${() => here("threads.retry_after_item", { item_id: id })} />`;

const UserMessage = ({ item }) =>
  html`<article class="user" data-testid="message" data-role="user" data-id=${item.id}>
    ${item.quoted_text && html`<blockquote>${item.quoted_text}</blockquote>`}
    <p>${item.content.map(({ text }) => text).join("")}</p>
    ${item.attachments?.map(({ name }) => html`<span class="chip" data-testid="attachment">${name}</span>`)}
    <footer><${Retry} id=${item.id} /></footer>
  </article>`;

function AssistantMessage({ item }) {
  const parts = item.content.filter(Boolean);
  const quote = () => String(getSelection()) || parts.map(({ text }) => text).join("\n\n");
  const rate = async ({ currentTarget: button }) => {
    const { status } = await here("items.feedback", { item_ids: [item.id], kind: button.value });
    button.ariaPressed = status < 300;
  };
  return html`<article class="assistant" data-testid="message" data-role="assistant" data-id=${item.id}>
    ${parts.map(({ text }) => html`<${Markdown} text=${text} />`)}
    ${parts.map((part) => part.annotations?.map((annotation) => html`<${Source} ...${annotation} />`))}
    <footer>
      <${Button} icon="up" label="Good" value="positive" data-testid="feedback-up" onClick=${rate} />
      <${Button} icon="down" label="Bad" value="negative" data-testid="feedback-down" onClick=${rate} />
      <${Button} icon="quote" label="Quote the selection, or all" onClick=${() => changed({ quote: quote() })} />
    </footer>
  </article>`;
}

function ClientTool({ item: { name, status, arguments: values, output } }) {
  const send = (result) => here("threads.add_client_tool_output", { result });
  const ids = { field: "client-tool-result", button: "client-tool-send" };
  return html`<${Card} name="Client tool: ${name}" data-testid="client-tool"><${Json} value=${values} />
    ${status === "pending" && html`<${JsonForm} label="Send result" value=${{}} ...${ids} onSend=${send} />`}
    ${status !== "pending" && html`<${Json} value=${output} />`}</${Card}>`;
}

function StructuredInput({ item: { id, status, inputs } }) {
  // The first option of each question is a suggestion, for the user to change.
  const first = ({ id, options }) => [id, { values: [options?.[0].value ?? ""], skipped: false }];
  const value = { status: "answered", answers: Object.fromEntries(inputs.map(first)) };
  const send = (input) => here("threads.add_structured_input", { item_id: id, input });
  return html`<${Card} name="Structured input: ${status}" data-testid="structured-input">
    <${Json} value=${inputs} />
    ${status === "pending" && html`<${JsonForm} label="Send answers" value=${value} onSend=${send} />`}
  </${Card}>`;
}

function act(item_id, { type, payload, handler, streaming = true }) {
  const title = "The page that embeds ChatKit handles this action; nothing was sent";
  if (handler === "client") return changed({ problem: { title, text: JSON.stringify(payload) } });
  const operation = streaming ? "threads.custom_action" : "threads.sync_custom_action";
  return here(operation, { item_id, action: { type, payload } });
}

const Action = ({ id, action }) =>
  html`<button data-testid="widget-action" title=${action.type} onClick=${() => act(id, action)}>
    ${action.label}</button>`;
const Widget = ({ item: { id, widget } }) =>
  html`<${Card} name="Widget" data-testid="widget">
    <div>${actionsIn(widget).map((action) => html`<${Action} id=${id} action=${action} />`)}</div>
    <${Json} value=${widget} /></${Card}>`;

const Task = ({ task }) =>
  html`<li class=${task.status_indicator}>${task.title ?? task.title_query ?? task.type}
    <${Markdown} text=${task.content ?? task.queries?.join(", ")} />
    ${task.sources?.map((source) => html`<${Source} source=${source} />`)}</li>`;

function Workflow({ item: { workflow, task } }) {
  const { summary, expanded = true, tasks } = workflow ?? { tasks: [task] };
  const title = summary?.duration ? `Thought for ${summary.duration} s` : summary?.title;
  return html`<details class="card" open=${expanded || !summary}><summary>${title ?? "Tasks"}</summary>
    <ul>${tasks.map((each) => each && html`<${Task} task=${each} />`)}</ul></details>`;
}

const Notice = ({ item: { level, title, message } }) =>
  html`<div class="notice ${level}"><strong>${title}</strong><${Markdown} text=${message} /></div>`;

function ErrorEvent({ item: { code, message, allow_retry } }) {
  const asked = store.state.items.findLast(({ type }) => type === "user_message");
  return html`<div class="notice danger" role="alert" data-testid="error"><strong>Error: ${code}</strong>
    <p>${message ?? "The backend sent no message."}</p>
    ${allow_retry && asked && html`<${Retry} id=${asked.id} />`}</div>`;
}

const Other = ({ item }) => html`<${Card} name=${item.type}><${Json} value=${item} /></${Card}>`;
const VIEWS = {
  __proto__: null,
  user_message: UserMessage,
  assistant_message: AssistantMessage,
  client_tool_call: ClientTool,
  structured_input: StructuredInput,
  widget: Widget,
  workflow: Workflow,
  task: Workflow,
  end_of_turn: () => null,
  notice: Notice,
  error: ErrorEvent,
};

export function Items() {
  const { items, earlier, progress } = store.state;
  const page = () => here("items.list", { order: "desc", limit: 100, after: earlier });
  return html`${earlier && html`<button class="quiet" onClick=${page}>Show earlier items</button>`}
    ${items.map((item) => html`<${Kept} key=${item.id} View=${VIEWS[item.type] ?? Other} item=${item} />`)}
    ${progress && html`<p class="progress">${progress}</p>`}`;
}
