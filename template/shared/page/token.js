// Signs the user in with a token in the header of each request.

/**
 * Returns a token for the user.
 *
 * In development, the backend issues one for whom the address names: `/?user=bob` is another
 * user. In production it does not: ask your login for the token here.
 *
 * @returns {Promise<string>}
 */
async function requestToken() {
  const user = new URLSearchParams(location.search).get("user") ?? "alice";
  const response = await fetch(`/dev/token?user=${encodeURIComponent(user)}`, { method: "POST" });
  if (response.status === 404) {
    throw new Error("Only development has tokens for this page: see requestToken in auth.js.");
  }
  const answer = await response.json();
  if (!response.ok) throw new Error(`No token: ${answer.error.message}`);
  return answer.token;
}

/** @type {Promise<string> | undefined} */
let token;

/** Gets a token, once until the backend refuses it. */
export function signIn() {
  token ??= requestToken().catch((error) => {
    token = undefined; // the next request tries again
    throw error;
  });
  return token;
}

/**
 * Sends ChatKit's requests with the token, and with a new one if it is refused.
 *
 * @type {typeof fetch}
 */
export async function authFetch(input, init) {
  const request = new Request(input, init);
  const used = signIn();
  const response = await send(request.clone(), await used);
  if (response.status !== 401) return response;
  if (token === used) token = undefined; // it has expired
  return send(request, await signIn());
}

/**
 * @param {Request} request
 * @param {string} token
 */
function send(request, token) {
  request.headers.set("Authorization", `Bearer ${token}`);
  return fetch(request);
}
