import type { ReactNode } from "react";

/** Sends ChatKit's requests as they are: without sign-in, all are the local user's. */
export const authFetch: typeof fetch = (input, init) => fetch(input, init);

/** Shows the chat to users who have signed in: here, to everyone. */
export function SignedIn({ children }: { children: ReactNode }) {
  return children;
}
