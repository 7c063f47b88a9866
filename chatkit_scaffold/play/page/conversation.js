// The conversation that requests, events and responses make. Pure: no page, no network.

const NO_THREAD = { items: [], earlier: null, progress: "", cancellable: true };
/** Show the thread with this id, or a new one if the key is a symbol. */
export const show = (state, key = Symbol("new")) => ({ ...state, ...NO_THREAD, key });
export const EMPTY = show({ threads: [], more: null });

// The functions that follow return what changes of the state, or nothing.
const withId = (entries) => entries.filter((entry) => entry?.id);
const without = (entries, gone) => entries.filter(({ id }) => id !== gone);
function upsert(entries, entry, added = [...entries, entry]) {
  const at = entries.findLastIndex(({ id }) => id === entry.id);
  return at < 0 ? added : entries.with(at, entry);
}
const put = ({ items }, { item }) => item.id && { items: upsert(items, item), progress: "" };
const note = (state, event) => put(state, { item: { ...event, id: Symbol("note") } });
function list({ threads }, { thread: { items, ...thread } }) {
  return { threads: upsert(threads, thread, [thread, ...threads]) };
}

// The functions of UPDATES change a copy of the item, which may begin with a delta.
const part = ({ content }, update) => (content[update.content_index] = update.content);
const task = ({ workflow }, update) => (workflow.tasks[update.task_index] = update.task);
const longer = (node, key, delta) => ({ ...node, [key]: (node?.[key] ?? "") + delta });
function component(item, { component_id, component, delta }) {
  const change = (node) => component ?? longer(node, "value", delta);
  const revive = (_, node) => (node?.id === component_id ? change(node) : node);
  item.widget = JSON.parse(JSON.stringify(item.widget), revive);
}
const UPDATES = {
  "assistant_message.content_part.added": part,
  "assistant_message.content_part.done": part,
  "assistant_message.content_part.text_delta": ({ content }, { content_index: at, delta }) =>
    (content[at] = longer(content[at], "text", delta)),
  "widget.root.updated": (item, { widget }) => (item.widget = widget),
  "widget.component.updated": component,
  "widget.streaming_text.value_delta": component,
  "workflow.task.added": task,
  "workflow.task.updated": task,
  "generated_image.updated": (item, { image }) => (item.image = image),
};
function update({ items }, { item_id: id, update }) {
  // A page must not hang on an index such as "length".
  const isSmall = (index) => index === undefined || (Number.isInteger(index) && index < 1000);
  if (![update.content_index, update.task_index].every(isSmall)) return null;
  const known = items.findLast((item) => item.id === id);
  const item = structuredClone(known ?? { id, type: update.type.split(".")[0], content: [] });
  UPDATES[update.type](item, update);
  return put({ items }, { item });
}

const EVENTS = {
  "thread.created": (state, event) => ({ key: event.thread.id, ...list(state, event) }),
  "thread.updated": list,
  "thread.item.added": put,
  "thread.item.updated": update,
  "thread.item.done": put,
  "thread.item.replaced": put,
  "thread.item.removed": ({ items }, { item_id }) => ({ items: without(items, item_id) }),
  stream_options: (_, event) => ({ cancellable: event.stream_options.allow_cancel !== false }),
  progress_update: (_, { text }) => ({ progress: text }),
  client_effect: note,
  notice: note,
  error: note,
};

/** What changes with a request that the backend accepts, by its response or without any event. */
const REQUESTS = {
  "threads.list": ({ threads }, { after }, { data, has_more, after: next }) => {
    return { threads: [...(after ? threads : []), ...withId(data)], more: has_more && next };
  },
  "threads.get_by_id": (state, _, thread) =>
    state.key === thread.id && { ...list(state, { thread }), items: withId(thread.items.data) },
  "items.list": ({ key, items }, { thread_id, after, order }, { data, has_more, ...page }) => {
    if (thread_id !== key || order !== "desc") return null;
    const later = after ? items : [];
    return { items: [...withId(data).reverse(), ...later], earlier: has_more && page.after };
  },
  "threads.update": (state, _, thread) => list(state, { thread }),
  "threads.delete": ({ key, threads }, { thread_id }) => {
    return { ...(key === thread_id && show({})), threads: without(threads, thread_id) };
  },
  "threads.sync_custom_action": (state, { thread_id }, { updated_item: item }) =>
    state.key === thread_id && put(state, { item }),
  "threads.retry_after_item": ({ items }, { item_id }) => {
    return { items: items.slice(0, items.findIndex(({ id }) => id === item_id) + 1) };
  },
  "threads.add_client_tool_output": (state, { result: output }) => {
    const call = state.items.findLast(({ call_id, status }) => call_id && status === "pending");
    return put(state, { item: { ...call, status: "completed", output } });
  },
};

function apply(table, type, state, ...values) {
  try {
    const changes = Object.hasOwn(table, type) && table[type](state, ...values);
    return changes ? { ...state, ...changes } : state;
  } catch {
    return state; // The inspector shows what came.
  }
}
export const applyEvent = (state, event) => apply(EVENTS, event?.type, state, event);
export const applyRequest = (state, request, body) =>
  apply(REQUESTS, request?.type, state, request?.params, body);

/** Every action in a widget, with the label nearest to it. */
export const actionsIn = (node, outer) =>
  Object.entries(Object(node)).flatMap(([key, value]) => {
    const label = typeof node.label === "string" ? node.label : outer;
    const isAction = /action$/i.test(key) && typeof value?.type === "string";
    if (isAction) return [{ label: label ?? value.type, ...value }];
    return typeof value === "object" ? actionsIn(value, label) : [];
  });
