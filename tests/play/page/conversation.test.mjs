// The conversation that streams make: what the SDK sends, and what is odd but right.
import assert from "node:assert/strict";
import test from "node:test";

const page = new URL("../../../chatkit_scaffold/play/page/", import.meta.url);
const { actionsIn, applyEvent, applyRequest, EMPTY, show } = await import(
  new URL("conversation.js", page)
);
const { createParser } = await import(new URL("vendor/eventsource-parser.js", page));

const thread = { id: "thr_1", title: null, items: { data: [], has_more: false } };
const created = { type: "thread.created", thread };
const item = (id, values) => ({ id, thread_id: "thr_1", type: "assistant_message", ...values });
const message = (id, text) => item(id, { content: [{ type: "output_text", text }] });
const event = (kind, values) => ({ type: `thread.item.${kind}`, ...values });
const update = (item_id, type, values) =>
  event("updated", {
    item_id,
    update: { type: `assistant_message.content_part.${type}`, ...values },
  });
const delta = (id, text, content_index = 0) =>
  update(id, "text_delta", { content_index, delta: text });

const after = (...events) => events.reduce(applyEvent, EMPTY);
const texts = (state) =>
  state.items.map(({ content }) => content.map((part) => part?.text).join("|"));

test("a normal stream", () => {
  const part = { type: "output_text", text: "", annotations: [] };
  const state = after(
    created,
    event("done", { item: { ...message("msg_1", "Hi"), type: "user_message" } }),
    { type: "stream_options", stream_options: { allow_cancel: false } },
    event("added", { item: item("msg_2", { content: [] }) }),
    update("msg_2", "added", { content_index: 0, content: part }),
    delta("msg_2", "Hel"),
    delta("msg_2", "lo"),
    update("msg_2", "done", { content_index: 0, content: { ...part, text: "Hello" } }),
    event("done", { item: message("msg_2", "Hello") }),
    { type: "thread.updated", thread: { ...thread, title: "Hi" } },
  );
  assert.deepEqual(texts(state), ["Hi", "Hello"]);
  assert.equal(state.key, "thr_1");
  assert.deepEqual(state.threads, [{ id: "thr_1", title: "Hi" }]);
  assert.equal(state.cancellable, false);
});

test("deltas without a part, and even without an item", () => {
  const added = event("added", { item: item("a", { content: [] }) });
  assert.deepEqual(texts(after(added, delta("a", "1"), delta("a", "2"))), ["12"]);
  assert.deepEqual(texts(after(delta("a", "1"), delta("a", "2"))), ["12"]);
});

test("two parts, the second one first", () => {
  assert.deepEqual(texts(after(delta("a", "B", 1), delta("a", "A", 0), delta("a", "b", 1))), [
    "A|Bb",
  ]);
});

test("deltas after the end are shown as they came", () => {
  const done = event("done", { item: message("a", "All.") });
  assert.deepEqual(texts(after(delta("a", "Al"), done, delta("a", " More."))), ["All. More."]);
});

test("items are replaced in their place, and removed", () => {
  const both = [
    event("done", { item: message("a", "1") }),
    event("done", { item: message("b", "2") }),
  ];
  const replaced = event("replaced", { item: message("a", "3") });
  assert.deepEqual(texts(after(...both, replaced)), ["3", "2"]);
  assert.deepEqual(texts(after(...both, event("removed", { item_id: "a" }))), ["2"]);
});

test("only the item that changes is a new object", () => {
  const before = after(delta("a", "1"), delta("b", "2"));
  const later = applyEvent(before, delta("b", "3"));
  assert.equal(later.items[0], before.items[0]);
  assert.notEqual(later.items[1], before.items[1]);
  assert.deepEqual(texts(before), ["1", "2"]);
});

test("tasks of a workflow, and parts of a widget", () => {
  const change = (item_id, type, values) =>
    event("updated", { item_id, update: { type, ...values } });
  const workflow = item("w", { type: "workflow", workflow: { type: "custom", tasks: [] } });
  const text = { type: "Text", id: "t", streaming: true };
  const widget = item("g", { type: "widget", widget: { type: "Card", children: [text] } });
  const state = after(
    event("added", { item: workflow }),
    change("w", "workflow.task.added", { task_index: 0, task: { title: "1" } }),
    change("w", "workflow.task.updated", { task_index: 0, task: { title: "2" } }),
    event("added", { item: widget }),
    change("g", "widget.streaming_text.value_delta", {
      component_id: "t",
      delta: "Hel",
      done: false,
    }),
    change("g", "widget.streaming_text.value_delta", {
      component_id: "t",
      delta: "lo",
      done: true,
    }),
  );
  assert.deepEqual(state.items[0].workflow.tasks, [{ title: "2" }]);
  assert.deepEqual(state.items[1].widget.children, [{ ...text, value: "Hello" }]);
  const component = { type: "Text", id: "t", value: "Bye" };
  const other = change("g", "widget.component.updated", { component_id: "t", component });
  assert.deepEqual(applyEvent(state, other).items[1].widget.children, [component]);
});

test("errors, notices and effects stay where they came, progress goes", () => {
  const error = { type: "error", code: "custom", message: "No model.", allow_retry: true };
  const state = after(
    { type: "progress_update", text: "Searching" },
    { type: "notice", level: "info", message: "Hello" },
    delta("a", "1"),
    error,
  );
  assert.deepEqual(
    state.items.map(({ type }) => type),
    ["notice", "assistant_message", "error"],
  );
  assert.equal(state.items[2].allow_retry, true);
  assert.equal(state.progress, "");
  assert.equal(after({ type: "progress_update", text: "Searching" }).progress, "Searching");
});

test("what makes no sense changes nothing", () => {
  const state = after(created, delta("a", "1"));
  const senseless = [
    null,
    5,
    "text",
    {},
    { type: "new.kind" },
    { type: "__proto__" },
    { type: "toString" },
    { type: "assistant_message.content_part.text_delta", content_index: 0, delta: "bare" },
    { type: "thread.item.done" },
    { type: "thread.item.done", item: null },
    { type: "thread.item.done", item: { type: "assistant_message" } },
    { type: "thread.item.updated", item_id: "a" },
    { type: "thread.updated", thread: null },
    update("a", "unknown", {}),
    delta("a", "far", 1e9),
  ];
  for (const each of senseless) assert.equal(applyEvent(state, each), state, JSON.stringify(each));
});

test("responses", () => {
  const listed = { data: [thread, null, { id: "thr_2" }], has_more: true, after: "thr_2" };
  let state = applyRequest(EMPTY, { type: "threads.list", params: {} }, listed);
  assert.deepEqual([state.threads.length, state.more], [2, "thr_2"]);
  const next = { data: [{ id: "thr_3" }], has_more: false };
  state = applyRequest(state, { type: "threads.list", params: { after: "thr_2" } }, next);
  assert.deepEqual([state.threads.length, state.more], [3, false]);

  const get = { type: "threads.get_by_id", params: { thread_id: "thr_1" } };
  const full = { ...thread, items: { data: [message("a", "1")], has_more: true } };
  assert.deepEqual(applyRequest(state, get, full).items, []); // Another thread is open.
  state = applyRequest(show(state, "thr_1"), get, full);
  assert.deepEqual(texts(state), ["1"]);

  const newest = { thread_id: "thr_1", order: "desc" };
  const page = { data: [message("c", "3"), message("b", "2")], has_more: true, after: "b" };
  state = applyRequest(state, { type: "items.list", params: newest }, page);
  const rest = { data: [message("a", "1")], has_more: false };
  state = applyRequest(state, { type: "items.list", params: { ...newest, after: "b" } }, rest);
  assert.deepEqual(texts(state), ["1", "2", "3"]);

  const update = { type: "threads.update", params: { thread_id: "thr_1", title: "New" } };
  const { threads } = applyRequest(state, update, { ...thread, title: "New" });
  assert.equal(threads.find(({ id }) => id === "thr_1").title, "New");
  const remove = { type: "threads.delete", params: { thread_id: "thr_1" } };
  state = applyRequest(state, remove, {});
  assert.deepEqual([state.threads.length, typeof state.key, state.items], [2, "symbol", []]);
  assert.equal(applyRequest(state, { type: "threads.list" }, "<html>"), state);
});

test("what a request changes without an event", () => {
  const call = item("c", { type: "client_tool_call", call_id: "1", status: "pending" });
  const before = after(created, delta("a", "1"), delta("b", "2"), event("done", { item: call }));
  const retry = { type: "threads.retry_after_item", params: { item_id: "a" } };
  assert.deepEqual(texts(applyRequest(before, retry)), ["1"]);
  const output = { type: "threads.add_client_tool_output", params: { result: { ok: true } } };
  const { status, output: shown } = applyRequest(before, output).items[2];
  assert.deepEqual([status, shown], ["completed", { ok: true }]);
});

test("the actions of a widget, with the labels beside them", () => {
  const action = { type: "book", payload: { seat: "12A" } };
  const widget = {
    type: "Card",
    confirm: { label: "Book", action },
    onClickAction: { type: "open", streaming: false },
    children: [{ type: "Button", label: "More", onClickAction: { type: "more" } }, null, "text"],
  };
  const found = actionsIn(widget).map(({ label, type }) => [label, type]);
  assert.deepEqual(found, [
    ["Book", "book"],
    ["open", "open"],
    ["More", "more"],
  ]);
  assert.deepEqual(actionsIn(null), []);
});

test("frames with CRLF, comments and a mark, in any pieces", () => {
  const events = [created, delta("a", "Grüße\u2028"), delta("a", "🚀")];
  const frames = events.map((each) => `: ping\r\ndata: ${JSON.stringify(each)}\r\n\r\n`);
  const bytes = new TextEncoder().encode(`\uFEFF${frames.join("")}`);
  for (const size of [1, 2, 3, 7, bytes.length]) {
    let state = EMPTY;
    const parser = createParser({
      onEvent: ({ data }) => (state = applyEvent(state, JSON.parse(data))),
    });
    const decoder = new TextDecoder();
    for (let at = 0; at < bytes.length; at += size)
      parser.feed(decoder.decode(bytes.subarray(at, at + size), { stream: true }));
    assert.deepEqual(texts(state), ["Grüße\u2028🚀"], `${size} bytes at a time`);
  }
});

test("an index that is none changes nothing, and the largest one is an index", () => {
  const before = after(delta("a", "1"));
  const task = { content_index: 0, task_index: "length", task: 4e9 };
  for (const at of ["length", "__proto__", 1000, 1.5])
    assert.equal(applyEvent(before, delta("a", "2", at)), before, at);
  const update = { type: "workflow.task.added", ...task };
  assert.equal(applyEvent(before, event("updated", { item_id: "a", update })), before);
  assert.equal(applyEvent(before, delta("a", "2", 999)).items[0].content.length, 1000);
});
