// The smallest page that configures the element; the query names the endpoint.
const chat = document.querySelector("openai-chatkit");
window.seen = [];
for (const name of ["ready", "error", "response.start", "response.end", "thread.change"]) {
  chat.addEventListener(`chatkit.${name}`, () => window.seen.push(name));
}
chat.addEventListener("chatkit.thread.change", ({ detail }) => {
  sessionStorage.setItem("thread", detail.threadId ?? "");
});
const initialThread = sessionStorage.getItem("thread") || null;
await customElements.whenDefined("openai-chatkit");
chat.setOptions({
  api: {
    url: new URLSearchParams(location.search).get("url"),
    domainKey: "local",
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set("X-Page", "probe");
      return fetch(input, { ...init, headers });
    },
  },
  initialThread,
  history: { enabled: true },
  threadItemActions: { feedback: true, retry: true },
  startScreen: { prompts: [{ label: "Greet", prompt: "good morning" }] },
  onClientTool: ({ name, params }) => ({ name, params }),
});
