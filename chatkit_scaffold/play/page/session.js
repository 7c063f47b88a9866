// A session as a file. The page has no credentials, but an upload's address may contain a signature.
import { replay, store } from "./store.js";

export function save() {
  const exchanges = store.exchanges.map(({ controller, key, ...exchange }) => exchange);
  const session = { play: 1, url: store.config.url, saved_at: new Date(), exchanges };
  const hide = (key, value) => (key === "upload_descriptor" ? "hidden" : value);
  const file = new Blob([JSON.stringify(session, hide, 1)], { type: "application/json" });
  const href = URL.createObjectURL(file);
  Object.assign(document.createElement("a"), { href, download: "play-session.json" }).click();
}

export async function open(file) {
  const session = JSON.parse(await file.text());
  if (session?.play !== 1) throw new Error("It is not a session that play saved.");
  store.exchanges.forEach(({ controller }) => controller?.abort());
  replay(session);
}
