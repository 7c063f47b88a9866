// Nobody signs in: this backend has one local user.

/** Resolves when requests may be sent. */
export async function signIn() {}

/** Sends ChatKit's requests. */
export const authFetch = window.fetch.bind(window);
