// The command that the inspector copies, as a shell reads it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

globalThis.location = new URL("http://127.0.0.1/token/"); // The page reads the user's name in it.
const page = new URL("../../../chatkit_scaffold/play/page/", import.meta.url);
const { curl, open, store } = await import(new URL("store.js", page));

test("a shell passes the request to curl as it is", () => {
  const url = "http://127.0.0.1:8000/chatkit?a=1&b=$(id)";
  const curl_headers = ["Authorization: Bearer …"];
  const request = { type: "threads.list", params: { text: 'It\'s `id` $HOME \\ "x"\n🚀' } };
  const script = `curl() { printf '%s\\0' "$@"; }\n${curl({ url, curl_headers }, request)}`;
  const words = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
  assert.deepEqual(words.slice(0, 2), ["-N", url]);
  assert.deepEqual(words.slice(2, -2), [
    "-H",
    "Content-Type: application/json",
    "-H",
    ...curl_headers,
  ]);
  assert.deepEqual(words.at(-2), "--data-raw");
  assert.deepEqual(JSON.parse(words.at(-1)), request);
});

test("a saved event has no other values than its own, and may have any data", async () => {
  globalThis.requestAnimationFrame = () => 1;
  const data = { type: "error", View: "b", dangerouslySetInnerHTML: { __html: "data" } };
  const event = { ms: 1, bytes: 2, data };
  const hostile = { ...event, View: "iframe", dangerouslySetInnerHTML: { __html: "<b>no</b>" } };
  const exchanges = [{ request: {}, status: 200, events: [hostile] }];
  await open({ text: async () => JSON.stringify({ play: 1, exchanges }) });
  assert.deepEqual(store.exchanges[0].events, [event]);
});
