// A stand-in for ChatKit's element; view.js follows in the same script. ../README.md says what it
// proves, and what it cannot prove.
const HEADERS = { "Content-Type": "application/json", "chatkit-frame-instance-id": "stand-in" };

class StandIn extends HTMLElement {
  options = null;
  thread = null;
  threads = [];
  items = [];
  error = null;
  running = null;
  #draw = view(this, this.attachShadow({ mode: "open" }));

  setOptions(options) {
    if (!options.api?.url || !options.api.domainKey) throw new TypeError("api needs url and domainKey");
    const first = this.options === null;
    this.options = options;
    this.#draw();
    if (first) this.setThreadId(options.initialThread ?? null).then(() => this.#emit("ready"));
  }
  async focusComposer() { this.shadowRoot.querySelector("textarea").focus(); }
  async fetchUpdates() { await this.setThreadId(this.thread?.id ?? null); }
  async setThreadId(thread_id) {
    this.#show(null);
    this.error = null;
    if (thread_id) await this.call("threads.get_by_id", { thread_id }, (thread) => this.#show(thread, thread.items.data));
    await this.#list();
  }
  async sendUserMessage({ text, content = [{ type: "input_text", text }] }) {
    const input = { content, quoted_text: "", attachments: [], inference_options: {} };
    await this.stream(this.thread ? "threads.add_user_message" : "threads.create", { input });
  }
  async retry(item_id) {
    this.items.length = this.items.findIndex(({ id }) => id === item_id) + 1;
    await this.stream("threads.retry_after_item", { item_id });
  }
  async call(type, params, use = () => {}) {
    try {
      use(await (await this.#post(type, params)).json());
    } catch (error) {
      this.#fail(error);
    }
    this.#draw();
  }
  async stream(type, params) {
    this.running = new AbortController();
    const { signal } = this.running;
    this.error = null;
    this.#draw();
    try {
      const response = await this.#post(type, params, signal);
      this.#emit("response.start");
      let rest = "";
      for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
        const blocks = (rest + text).split("\n\n");
        rest = blocks.pop();
        for (const block of blocks) this.#apply(JSON.parse(block.slice("data:".length)));
      }
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
    this.running = null;
    this.#emit("response.end");
    const call = this.items.find((item) => item.type === "client_tool_call" && item.status === "pending");
    if (!call || signal.aborted) return this.#list();
    call.status = "completed";
    const result = await this.options.onClientTool({ name: call.name, params: call.arguments });
    return this.stream("threads.add_client_tool_output", { result });
  }
  async #post(type, more, signal) {
    const { url, fetch = window.fetch.bind(window) } = this.options.api;
    const body = JSON.stringify({ type, params: { thread_id: this.thread?.id, ...more } });
    const response = await fetch(url, { method: "POST", headers: new Headers(HEADERS), body, signal });
    if (response.ok) return response;
    throw new Error((await response.json().catch(() => ({}))).error?.message ?? `HTTP status ${response.status}`);
  }
  async #list() {
    if (this.options.history?.enabled) await this.call("threads.list", { limit: 9999 }, ({ data }) => (this.threads = data));
    this.#draw();
  }
  #apply({ type, thread, item, item_id = item?.id, update, message, code }) {
    const at = this.items.findIndex(({ id }) => id === item_id);
    if (type === "thread.created") this.#show(thread);
    if (type === "error") this.#fail(new Error(message ?? code));
    if (item) this.items.splice(at < 0 ? this.items.length : at, 1, item);
    if (update?.delta) this.items[at].content[update.content_index].text += update.delta;
    else if (update) this.items[at].content[update.content_index] = update.content;
    this.#draw();
  }
  #show(thread, items = []) {
    if (thread?.id !== this.thread?.id) this.#emit("thread.change", { threadId: thread?.id ?? null });
    Object.assign(this, { thread, items });
    this.#draw();
  }
  #fail(error) { this.error = error; this.#emit("error", { error }); }
  #emit(name, detail) { this.dispatchEvent(new CustomEvent(`chatkit.${name}`, { detail })); }
}
