// The items of a conversation, what one can answer to them, and what all views have in common.
import { actionsIn } from "./conversation.js";
import { here, store } from "./store.js";
import DOMPurify from "./vendor/dompurify.js";
import htm from "./vendor/htm.js";
import { marked } from "./vendor/marked.js";
import { Component, h } from "./vendor/preact.js";

export const html = htm.bind(h);
const pretty = (value) => JSON.stringify(value, null, 2);
export const Json = ({ value }) => html`<pre tabindex="0">${pretty(value)}</pre>`;
export const Button = ({ name, label, ...rest }) =>
  html`<button type="button" class="icon ${name}" data-testid=${name} title=${label}
    aria-label=${label} ...${rest} />`;

/** Draws a view again only when one of its values changes; what a view cannot show becomes JSON. */
export class Kept extends Component {
  static getDerivedStateFromError = () => ({ failed: true });
  shouldComponentUpdate(next, { failed }) {
    return failed || Object.keys(next).some((key) => next[key] !== this.props[key]);
  }
  render({ View, ...values }, { failed }) {
    return failed ? html`<${Json} value=${values} />` : html`<${View} ...${values} />`;
  }
}

/** A field for JSON, and a button that sends it. */
export function JsonForm({ name, field, value, onSend }) {
  const submit = (event) => {
    event.preventDefault();
    onSend(JSON.parse(event.target.elements[0].value));
  };
  return html`<form onSubmit=${submit}>
    <textarea class="code" data-testid="${name}-${field}" aria-label="JSON"
      defaultValue=${pretty(value)} />
    <button data-testid="${name}-send">Send</button></form>`;
}

// A backend's text must not run, load anything or imitate the page.
DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName === "A") Object.assign(node, { target: "_blank", rel: "noopener noreferrer" });
  if (node.tagName === "IMG" && !node.src.startsWith("data:")) node.removeAttribute("src");
});
const FORBID_TAGS = "style form label input button textarea select dialog video audio".split(" ");
const FORBID_ATTR = ["style", "class", "id", "name", "srcset", "background", "role"];
const CLEAN = { USE_PROFILES: { html: true }, FORBID_TAGS, FORBID_ATTR, ALLOW_DATA_ATTR: false };
function Markdown({ text }) {
  const __html = DOMPurify.sanitize(marked.parse(String(text ?? "")), CLEAN);
  return html`<div class="markdown" dangerouslySetInnerHTML=${{ __html }} />`;
}

export const File = ({ name }) => html`<span class="badge" data-testid="attachment">${name}</span>`;
const Retry = ({ id: item_id }) =>
  html`<${Button} name="retry" label="Answer again"
    onClick=${() => here("threads.retry_after_item", { item_id })} />`;

const UserMessage = ({ item: { id, content, attachments } }) =>
  html`<article class="user" data-testid="message" data-role="user" data-id=${id}>
    <p>${content.map(({ text }) => text)}</p>
    ${attachments?.map(File)}
    <footer><${Retry} id=${id} /></footer>
  </article>`;

function AssistantMessage({ item: { id, content } }) {
  const rate = async ({ currentTarget: button }) => {
    const { status } = await here("items.feedback", { item_ids: [id], kind: button.value });
    button.ariaPressed = status < 300;
  };
  return html`<article class="assistant" data-testid="message" data-role="assistant" data-id=${id}>
    ${content.map((part) => part && html`<${Markdown} text=${part.text} />`)}
    <footer>
      <${Button} name="feedback-up" label="Good" value="positive" onClick=${rate} />
      <${Button} name="feedback-down" label="Bad" value="negative" onClick=${rate} />
    </footer>
  </article>`;
}

function Action({ item_id, label, type, payload, handler, streaming = true }) {
  const operation = streaming ? "threads.custom_action" : "threads.sync_custom_action";
  const act = () => here(operation, { item_id, action: { type, payload } });
  // The page that embeds ChatKit handles the actions of the client itself.
  return html`<button data-testid="widget-action" title=${type} disabled=${handler === "client"}
    onClick=${act}>${label}</button>`;
}

/** What to suggest as an answer to an item that waits for one, and how to send it. */
function answerTo({ id: item_id, type, inputs }) {
  if (type === "client_tool_call")
    return { value: {}, onSend: (result) => here("threads.add_client_tool_output", { result }) };
  const first = ({ id, options }) => [id, { values: [options?.[0].value ?? ""], skipped: false }];
  const value = { status: "answered", answers: Object.fromEntries(inputs.map(first)) };
  return { value, onSend: (input) => here("threads.add_structured_input", { item_id, input }) };
}

/** Any item or event but a message: its text, its JSON, and what the user can do with it. */
function Card({ item }) {
  const { id, thread_id, created_at, type, message, ...rest } = item;
  const name = type.replace("_call", "").replaceAll("_", "-");
  const waits = rest.status === "pending" && /^(client_tool_call|structured_input)$/.test(type);
  const actions = actionsIn(rest.widget).map((each) => Action({ ...each, item_id: id }));
  const asked =
    rest.allow_retry && store.state.items.findLast((each) => each.type === "user_message");
  return html`<section class="card ${name}" data-testid=${name}><h3>${type}</h3>
    ${message && html`<${Markdown} text=${message} />`}
    <div>${actions}</div>
    <${Json} value=${rest} />
    ${waits && html`<${JsonForm} name=${name} field="result" ...${answerTo(item)} />`}
    ${asked && html`<${Retry} id=${asked.id} />`}
  </section>`;
}

const VIEWS = { user_message: UserMessage, assistant_message: AssistantMessage };
export function Items() {
  const { items, earlier, progress } = store.state;
  const page = () => here("items.list", { order: "desc", limit: 100, after: earlier });
  const Item = (item) =>
    html`<${Kept} key=${item.id} View=${VIEWS[item.type] ?? Card} item=${item} />`;
  return html`${earlier && html`<button class="quiet" onClick=${page}>Show earlier items</button>`}
    ${items.map(Item)}
    <p class="progress">${progress}</p>`;
}
