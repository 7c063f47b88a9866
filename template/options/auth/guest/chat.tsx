let guest: Promise<void> | undefined;

/** Gets this browser's identity, or renews it, once per page; the cookie is then sent along. */
function becomeGuest() {
  guest ??= requestIdentity().catch((error) => {
    guest = undefined; // the next request tries again
    throw error;
  });
  return guest;
}

async function requestIdentity() {
  const url = new URL("/auth/guest", API_URL);
  const response = await fetch(url, { method: "POST", credentials: "include" });
  if (!response.ok) throw new Error(`No identity: ${response.status}`);
}

export function Chat() {
  const { control } = useChatKit({
    api: {
      url: API_URL,
      domainKey: DOMAIN_KEY,
      fetch: async (input, init) => {
        await becomeGuest(); // POST /auth/guest, once per page
        // Sends the guest's cookie. To browsers, localhost and 127.0.0.1 are different sites.
        return fetch(input, { ...init, credentials: "include" });
      },
    },
    threadItemActions: { feedback: true, retry: true },
  });
  return <ChatKit control={control} style={SIZE} />;
}
