import { useEffect, useState } from "react";

const PATIENCE_MS = 8000;

/** Resolves if the script in index.html, which runs after this module, cannot be loaded. */
const scriptFailed = new Promise<void>((resolve) => {
  document.getElementById("chatkit-script")?.addEventListener("error", () => {
    resolve();
  });
});

/** Explains why there is no chat, once its script cannot be loaded or has taken 8 seconds. */
export function LoadingProblem() {
  const [late, setLate] = useState(false);

  useEffect(() => {
    const giveUp = () => {
      setLate(true);
    };
    const timer = setTimeout(giveUp, PATIENCE_MS);
    void scriptFailed.then(giveUp);
    return () => {
      clearTimeout(timer);
    };
  }, []);

  return late && <p role="alert">{explanation()}</p>;
}

function explanation() {
  if (customElements.get("openai-chatkit"))
    return `The chat does not open. ChatKit opens only on domains that are registered with OpenAI: is ${location.hostname} one of them, and was this page built with its domain key? README.md describes both.`;
  if (!navigator.onLine)
    return "The chat cannot be loaded: this device is offline. Reload the page when it is online again.";
  return "The chat cannot be loaded from cdn.platform.openai.com. The network may be down, or a browser extension, a firewall or the page's Content-Security-Policy may block that address.";
}
