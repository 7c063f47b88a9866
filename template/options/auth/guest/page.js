// Makes the visitor a guest, whose identity is in a cookie that scripts cannot read.

/** @type {Promise<void> | undefined} */
let guest;

/** Gets an identity, or renews the one that the browser has, once per page. */
export function signIn() {
  guest ??= requestIdentity().catch((error) => {
    guest = undefined; // the next request tries again
    throw error;
  });
  return guest;
}

async function requestIdentity() {
  const response = await fetch("/auth/guest", { method: "POST" });
  if (!response.ok) throw new Error(`No identity: ${(await response.json()).error.message}`);
}

/**
 * Sends ChatKit's requests, with a new identity if the old one has ended.
 *
 * @type {typeof fetch}
 */
export async function authFetch(input, init) {
  const request = new Request(input, init);
  const used = signIn();
  await used;
  const response = await fetch(request.clone());
  if (response.status !== 401) return response;
  if (guest === used) guest = undefined;
  await signIn();
  return fetch(request);
}
