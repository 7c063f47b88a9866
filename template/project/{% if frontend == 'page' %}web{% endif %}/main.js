// Shows the chat as soon as the user is signed in and ChatKit's script is there.

import { authFetch, signIn } from "./auth.js";
import { CLIENT_TOOLS, DOMAIN_KEY, ENDPOINT, START_SCREEN } from "./config.js";
import { hideNotice, showIfLate, showNotice } from "./notice.js";

const SCRIPT = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js";

/** How long ChatKit may take before the page says what may be wrong, in milliseconds. */
const PATIENCE = 8000;

const NOT_LOADED =
  "The chat did not load from cdn.platform.openai.com. You may be offline; a firewall, a browser " +
  "extension or a Content-Security-Policy may block it; or the domain of this page is not " +
  "registered at OpenAI.";

const darkMode = matchMedia("(prefers-color-scheme: dark)");

/**
 * Returns all options: `setOptions` replaces those set before.
 *
 * @returns {import("@openai/chatkit").ChatKitOptions}
 */
function options() {
  return {
    api: { url: new URL(ENDPOINT, location.origin).href, domainKey: DOMAIN_KEY, fetch: authFetch },
    initialThread: location.hash.slice(1) || null,
    theme: darkMode.matches ? "dark" : "light",
    history: { enabled: true, showDelete: true, showRename: true },
    startScreen: START_SCREEN,
    threadItemActions: { feedback: true, retry: true },
    onClientTool: ({ name, params }) => {
      const tool = Object.hasOwn(CLIENT_TOOLS, name) ? CLIENT_TOOLS[name] : undefined;
      return tool?.(params) ?? { error: "The page has no such tool." };
    },
    widgets: {
      // The backend handles all actions but those with `handler: "client"`.
      onAction: async ({ type }) => showNotice(`The page has no action ${type}.`),
    },
  };
}

/** Loads the script that defines ChatKit's element. */
async function loadChatKit() {
  const loaded = showIfLate(NOT_LOADED, PATIENCE);
  const script = document.createElement("script");
  script.src = SCRIPT;
  script.onerror = () => fail(NOT_LOADED);
  document.head.append(script);
  await customElements.whenDefined("openai-chatkit");
  loaded();
}

/**
 * Says why there is no chat.
 *
 * @param {string} reason
 */
function fail(reason) {
  document.getElementById("loading")?.remove();
  showNotice(reason);
}

/** Shows the chat. */
function start() {
  const chat = /** @type {import("@openai/chatkit").OpenAIChatKit} */ (
    document.createElement("openai-chatkit")
  );
  chat.setOptions(options());
  darkMode.addEventListener("change", () => chat.setOptions(options()));

  chat.addEventListener("chatkit.ready", showIfLate(NOT_LOADED, PATIENCE));
  chat.addEventListener("chatkit.error", ({ detail }) => showNotice(detail.error.message));
  chat.addEventListener("chatkit.response.start", hideNotice);
  chat.addEventListener("chatkit.log", ({ detail }) => console.debug(detail.name, detail.data));
  // A reload shows the same conversation.
  chat.addEventListener("chatkit.thread.change", ({ detail }) =>
    history.replaceState(null, "", `#${detail.threadId ?? ""}`),
  );
  document.getElementById("chat")?.replaceChildren(chat);
}

try {
  await Promise.all([loadChatKit(), signIn()]);
  start();
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
