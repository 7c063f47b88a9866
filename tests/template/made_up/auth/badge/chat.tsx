/** `getBadge` returns the badge that your login signed for the user. */
export function Chat({ getBadge }: { getBadge: () => Promise<string> }) {
  const { control } = useChatKit({
    api: {
      url: API_URL,
      domainKey: DOMAIN_KEY,
      fetch: async (input, init) => {
        const headers = new Headers(init?.headers);
        headers.set("X-Badge", await getBadge());
        return fetch(input, { ...init, headers });
      },
    },
    threadItemActions: { feedback: true, retry: true },
  });
  return <ChatKit control={control} style={SIZE} />;
}
