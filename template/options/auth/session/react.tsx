import { useActionState, useEffect, useState, type ReactNode } from "react";

/** Gets the event "end" when the backend refuses a request because the session is over. */
const session = new EventTarget();

/** Sends ChatKit's requests; the browser adds the session's cookie. */
export const authFetch: typeof fetch = async (input, init) => {
  const response = await fetch(input, init);
  if (response.status === 401) session.dispatchEvent(new Event("end"));
  return response;
};

/** Shows the chat to users who have signed in, and a form to all others. */
export function SignedIn({ children }: { children: ReactNode }) {
  const [signedIn, setSignedIn] = useState<boolean>(); // undefined until the backend has answered
  const [problem, setProblem] = useState("");

  useEffect(() => {
    const end = () => {
      setProblem("Your session has ended. Sign in again.");
      setSignedIn(false);
    };
    session.addEventListener("end", end);
    fetch("/auth/me").then(
      (response) => {
        setSignedIn(response.ok);
      },
      () => {
        setSignedIn(false);
      },
    );
    return () => {
      session.removeEventListener("end", end);
    };
  }, []);

  async function signOut() {
    const failure = await post("/auth/logout");
    setProblem(failure);
    if (failure) return;
    history.replaceState(null, "", location.pathname); // without this user's conversation
    setSignedIn(false);
  }

  function welcome() {
    setProblem("");
    setSignedIn(true);
  }

  if (signedIn === undefined) return null;
  if (!signedIn) return <SignInForm problem={problem} onSignedIn={welcome} />;
  return (
    <>
      <header>
        <button type="button" onClick={() => void signOut()}>
          Sign out
        </button>
      </header>
      {problem && <p role="alert">{problem}</p>}
      {children}
    </>
  );
}

interface FormProps {
  problem: string;
  onSignedIn: () => void;
}

function SignInForm({ problem, onSignedIn }: FormProps) {
  const [last, submit, sending] = useActionState(
    async (_: unknown, form: FormData) => {
      const path = form.get("account") === "new" ? "/auth/register" : "/auth/login";
      const email = form.get("email") as string;
      const failure = await post(path, { email, password: form.get("password") });
      if (!failure) onSignedIn();
      return { email, problem: failure };
    },
    { email: "", problem },
  );

  return (
    <form className="sign-in" action={submit}>
      <h1>Sign in</h1>
      {last.problem && <p role="alert">{last.problem}</p>}
      <label>
        E-mail
        <input
          name="email"
          type="email"
          autoComplete="username"
          defaultValue={last.email}
          required
        />
      </label>
      <label>
        Password
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <button disabled={sending}>Sign in</button>
      <button name="account" value="new" disabled={sending}>
        Create account
      </button>
    </form>
  );
}

/** Sends JSON to the backend and returns what went wrong; empty if nothing did. */
async function post(path: string, body: object = {}) {
  const response = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  }).catch(() => Response.error());
  return response.ok ? "" : problemIn(response);
}

{% include 'template/shared/react/problem.ts' -%}
