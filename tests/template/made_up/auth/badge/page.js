// Signs the user in with a badge in the header of each request.

/**
 * Returns the badge that your login signed for the user.
 *
 * @returns {Promise<string>}
 */
async function getBadge() {
  throw new Error("Return the user's badge from getBadge in auth.js.");
}

/** Finds out whether there is a badge. */
export const signIn = getBadge;

/**
 * Sends ChatKit's requests with the badge.
 *
 * @type {typeof fetch}
 */
export async function authFetch(input, init) {
  const request = new Request(input, init);
  request.headers.set("X-Badge", await getBadge());
  return fetch(request);
}
