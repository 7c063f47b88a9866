import { useEffect, useState, type ReactNode } from "react";

let guest: Promise<void> | undefined;

/** Gets this browser's identity, or renews it, once per page; its cookie is then sent along. */
function signIn() {
  guest ??= requestIdentity().catch((error: unknown) => {
    guest = undefined; // the next request tries again
    throw error;
  });
  return guest;
}

async function requestIdentity() {
  const response = await fetch("/auth/guest", { method: "POST" });
  if (!response.ok) throw new Error(await problemIn(response));
}

{% include 'template/shared/react/problem.ts' %}
/** Sends ChatKit's requests, once more with a new identity if the old one has expired. */
export const authFetch: typeof fetch = async (input, init) => {
  const used = signIn();
  await used;
  const response = await fetch(input, init);
  if (response.status !== 401) return response;
  if (guest === used) guest = undefined;
  await signIn();
  return fetch(input, init);
};

{% include 'template/shared/react/signed_in.tsx' -%}
