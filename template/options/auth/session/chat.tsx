/** Creates an account, or signs in; the browser keeps the session's cookie. */
export async function signIn(path: "register" | "login", email: string, password: string) {
  const response = await fetch(new URL(`/auth/${path}`, API_URL), {
    method: "POST",
    credentials: "include",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
  if (!response.ok) throw new Error((await response.json()).error.message);
}

/** For users who have signed in. */
export function Chat() {
  const { control } = useChatKit({
    api: {
      url: API_URL,
      domainKey: DOMAIN_KEY,
      // Sends the session's cookie. To browsers, localhost and 127.0.0.1 are different sites.
      fetch: (input, init) => fetch(input, { ...init, credentials: "include" }),
    },
    threadItemActions: { feedback: true, retry: true },
  });
  return <ChatKit control={control} style={SIZE} />;
}
