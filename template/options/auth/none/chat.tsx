export function Chat() {
  const { control } = useChatKit({
    api: { url: API_URL, domainKey: DOMAIN_KEY },
    threadItemActions: { feedback: true, retry: true },
  });
  return <ChatKit control={control} style={SIZE} />;
}
