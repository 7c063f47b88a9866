import type { ReactNode } from "react";

/** Returns the badge that your login signed for the user. */
function getBadge(): Promise<string> {
  return Promise.reject(new Error("Let getBadge in web/src/auth.tsx return the user's badge."));
}

/** Sends ChatKit's requests with the badge. */
export const authFetch: typeof fetch = async (input, init) => {
  const headers = new Headers(init?.headers);
  headers.set("X-Badge", await getBadge());
  return fetch(input, { ...init, headers });
};

/** Shows the chat: whoever has a badge can use it. */
export function SignedIn({ children }: { children: ReactNode }) {
  return children;
}
