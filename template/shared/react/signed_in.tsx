/** Shows the chat once the user is signed in, or else what went wrong. */
export function SignedIn({ children }: { children: ReactNode }) {
  const [signedIn, setSignedIn] = useState(false);
  const [problem, setProblem] = useState<string>();

  useEffect(() => {
    signIn().then(
      () => {
        setSignedIn(true);
      },
      (error: unknown) => {
        setProblem(error instanceof Error ? error.message : String(error));
      },
    );
  }, []);

  if (problem) return <p role="alert">{problem}</p>;
  return signedIn && children;
}
