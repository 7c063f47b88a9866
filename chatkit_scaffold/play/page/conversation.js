// The conversation that requests, events and responses make. Pure: no page, no network, no exception.

const NO_THREAD = { thread: null, items: [], earlier: null, progress: "", cancellable: true };
/** Show the thread with this id, or a new one if the key is a symbol. */
export const show = (state, key = Symbol("new")) => ({ ...state, ...NO_THREAD, key });
export const EMPTY = show({ threads: [], more: null, notes: 0 });

const withId = (entries) => entries.filter((entry) => entry?.id);
function upsert(entries, entry, added = [...entries, entry]) {
  const at = entries.findLastIndex(({ id }) => id === entry.id);
  return at < 0 ? added : entries.with(at, entry);
}
const put = (state, { item }) =>
  item.id ? { ...state, items: upsert(state.items, item), progress: "" } : state;
function note(state, event) {
  const item = { ...event, id: `note-${state.notes}` };
  return put({ ...state, notes: state.notes + 1 }, { item });
}
function list(state, { thread: { items, ...thread } }) {
  const threads = upsert(state.threads, thread, [thread, ...state.threads]);
  return { ...state, threads, thread: state.key === thread.id ? thread : state.thread };
}

// The functions of UPDATES change a copy of the item. A message may begin with a delta.
const part = (item, at) => (item.content[at] = { text: "", annotations: [], ...item.content[at] });
const content = (item, { content_index, content }) => (item.content[content_index] = content);
const task = ({ workflow }, { task_index, task }) => (workflow.tasks[task_index] = task);
function component(item, id, change) {
  const revive = (_, node) => (node?.id === id ? change(node) : node);
  item.widget = JSON.parse(JSON.stringify(item.widget), revive);
}
const UPDATES = {
  __proto__: null,
  added: content,
  done: content,
  text_delta: (item, { content_index, delta }) => (part(item, content_index).text += delta),
  annotation_added: (item, { content_index, annotation }) =>
    part(item, content_index).annotations.push(annotation),
  "widget.root.updated": (item, { widget }) => (item.widget = widget),
  "widget.component.updated": (item, { component_id, ...update }) =>
    component(item, component_id, () => update.component),
  "widget.streaming_text.value_delta": (item, { component_id, delta }) =>
    component(item, component_id, (node) => ({ ...node, value: (node.value ?? "") + delta })),
  "workflow.task.added": task,
  "workflow.task.updated": task,
  "generated_image.updated": (item, { image }) => (item.image = image),
};
function update(state, { item_id, update }) {
  const kind = update.type.replace("assistant_message.content_part.", "");
  const message = kind === update.type ? null : { type: "assistant_message", content: [] };
  const known = state.items.findLast(({ id }) => id === item_id) ?? message;
  if (!known || update.content_index > 999 || update.task_index > 999) return state;
  const item = structuredClone({ ...known, id: item_id });
  UPDATES[kind](item, update);
  return put(state, { item });
}

const EVENTS = {
  __proto__: null,
  "thread.created": (state, event) => list({ ...state, key: event.thread.id }, event),
  "thread.updated": list,
  "thread.item.added": put,
  "thread.item.updated": update,
  "thread.item.done": put,
  "thread.item.replaced": put,
  "thread.item.removed": (state, { item_id }) => {
    return { ...state, items: state.items.filter(({ id }) => id !== item_id) };
  },
  stream_options: (state, { stream_options }) => {
    return { ...state, cancellable: stream_options.allow_cancel !== false };
  },
  progress_update: (state, { text }) => ({ ...state, progress: text }),
  client_effect: note,
  notice: note,
  error: note,
};

/** What changes with a request that the backend accepts, by its response or without any event. */
const REQUESTS = {
  __proto__: null,
  "threads.list": (state, { after }, { data, has_more, ...page }) => {
    const threads = [...(after ? state.threads : []), ...withId(data)];
    return { ...state, threads, more: has_more && page.after };
  },
  "threads.get_by_id": (state, _, thread) => {
    if (state.key !== thread.id) return state;
    return { ...list(state, { thread }), items: withId(thread.items.data) };
  },
  "items.list": (state, { thread_id, after, order }, { data, has_more, ...page }) => {
    if (thread_id !== state.key || order !== "desc") return state;
    const items = [...withId(data).reverse(), ...(after ? state.items : [])];
    return { ...state, items, earlier: has_more && page.after };
  },
  "threads.update": (state, _, thread) => list(state, { thread }),
  "threads.delete": (state, { thread_id }) => {
    const threads = state.threads.filter(({ id }) => id !== thread_id);
    return { ...(state.key === thread_id ? show(state) : state), threads };
  },
  "threads.sync_custom_action": (state, { thread_id }, { updated_item: item }) =>
    state.key === thread_id ? put(state, { item }) : state,
  "threads.retry_after_item": (state, { item_id }) => {
    const at = state.items.findIndex(({ id }) => id === item_id);
    return { ...state, items: state.items.slice(0, at + 1) };
  },
  "threads.add_client_tool_output": (state, { result: output }) => {
    const call = state.items.findLast(({ call_id, status }) => call_id && status === "pending");
    return put(state, { item: { ...call, status: "completed", output } });
  },
};

function safely(change, state, ...values) {
  try {
    return change?.(state, ...values) ?? state;
  } catch {
    return state; // The inspector shows what came.
  }
}
export const applyEvent = (state, event) => safely(EVENTS[event?.type], state, event);
export const applyRequest = (state, request, body) =>
  safely(REQUESTS[request?.type], state, request?.params, body);

/** Every action in a widget, with the label nearest to it. */
export const actionsIn = (node, outer) =>
  Object.entries(Object(node)).flatMap(([key, value]) => {
    const label = typeof node.label === "string" ? node.label : outer;
    const isAction = /action$/i.test(key) && typeof value?.type === "string";
    if (isAction) return [{ label: label ?? value.type, ...value }];
    return typeof value === "object" ? actionsIn(value, label) : [];
  });
