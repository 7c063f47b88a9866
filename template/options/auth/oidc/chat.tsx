/** `getToken` returns the token that your issuer signed for the user and this backend. */
export function Chat({ getToken }: { getToken: () => Promise<string> }) {
  const { control } = useChatKit({
    api: {
      url: API_URL,
      domainKey: DOMAIN_KEY,
      fetch: async (input, init) => {
        const headers = new Headers(init?.headers);
        headers.set("Authorization", `Bearer ${await getToken()}`);
        return fetch(input, { ...init, headers });
      },
    },
    threadItemActions: { feedback: true, retry: true },
  });
  return <ChatKit control={control} style={SIZE} />;
}
