import { useEffect, useState, type ReactNode } from "react";

/**
 * Returns a token that the backend accepts.
 *
 * In development the backend issues it, for the user in the page's address: `/?user=bob`. Before
 * you deploy, return the token of your own login instead.
 */
async function getToken() {
  const response = await fetch(`/dev/token${location.search}`, { method: "POST" });
  if (response.status === 404) {
    throw new Error(
      "The backend issues tokens in development only: let getToken in web/src/auth.tsx return " +
        "the token of your login.",
    );
  }
  if (!response.ok) throw new Error(await problemIn(response));
  const { token } = (await response.json()) as { token: string };
  return token;
}

{% include 'template/shared/react/problem.ts' %}
let token: Promise<string> | undefined;

/** Returns the token that all requests share. */
function signIn() {
  token ??= getToken().catch((error: unknown) => {
    token = undefined; // the next request tries again
    throw error;
  });
  return token;
}

/** Sends ChatKit's requests with the token, once more with a new one if it has expired. */
export const authFetch: typeof fetch = async (input, init) => {
  const used = signIn();
  const response = await fetch(input, withToken(await used, init));
  if (response.status !== 401) return response;
  if (token === used) token = undefined;
  return fetch(input, withToken(await signIn(), init));
};

function withToken(value: string, init?: RequestInit) {
  const headers = new Headers(init?.headers);
  headers.set("Authorization", `Bearer ${value}`);
  return { ...init, headers };
}

{% include 'template/shared/react/signed_in.tsx' -%}
