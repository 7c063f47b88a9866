// Signs the user in with e-mail address and password; the session is in a cookie that scripts
// cannot read.

/**
 * @typedef {object} User
 * @property {string} id
 * @property {string} email
 */

const FORM = `
  <h1>Sign in</h1>
  <label>E-mail <input name="email" type="email" autocomplete="username" required></label>
  <label>Password
    <input name="password" type="password" autocomplete="current-password" minlength="8" required>
  </label>
  <p role="alert" hidden></p>
  <button value="login">Sign in</button>
  <button value="register" class="secondary">Create account</button>
`;

/** @type {User | undefined} */
let user;

/** @type {Promise<void> | undefined} */
let signingIn;

/** Resolves when the user has signed in; shows the form if there is no session. */
export function signIn() {
  signingIn ??= findUser().finally(() => (signingIn = undefined));
  return signingIn;
}

async function findUser() {
  const response = await fetch("/auth/me");
  const found = response.ok ? (await response.json()).user : await askUser();
  if (user !== undefined && user.id !== found.id) {
    restart(); // What the page shows is another user's, and so is the request that waits for this.
    await new Promise(() => {});
  }
  user = found;
  showAccount(found);
}

/**
 * Shows the form in the place of the chat until it signs a user in.
 *
 * @returns {Promise<User>}
 */
function askUser() {
  const chat = /** @type {HTMLElement} */ (document.getElementById("chat"));
  const form = document.createElement("form");
  form.id = "sign-in";
  form.innerHTML = FORM;
  chat.hidden = true;
  chat.before(form);
  form.querySelector("input")?.focus();
  return new Promise((resolve) => {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const found = await submit(form, event.submitter?.getAttribute("value") ?? "login");
      if (found === undefined) return;
      form.remove();
      chat.hidden = false;
      resolve(found);
    });
  });
}

/**
 * Sends the form, and shows in it why the user cannot sign in.
 *
 * @param {HTMLFormElement} form
 * @param {string} action `login` or `register`
 * @returns {Promise<User | undefined>}
 */
async function submit(form, action) {
  const alert = /** @type {HTMLElement} */ (form.querySelector("[role=alert]"));
  const buttons = form.querySelectorAll("button");
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  buttons.forEach((button) => (button.disabled = true));
  try {
    const response = await post(action, body);
    const answer = await response.json();
    if (response.ok) return answer.user;
    alert.textContent = answer.error.message;
  } catch {
    alert.textContent = "The backend does not answer.";
  } finally {
    buttons.forEach((button) => (button.disabled = false));
  }
  alert.hidden = false;
}

/**
 * Shows who is signed in, with a button that ends the session.
 *
 * @param {User} user
 */
function showAccount(user) {
  const account = document.getElementById("account") ?? document.createElement("header");
  const button = document.createElement("button");
  account.id = "account";
  account.replaceChildren(user.email, button);
  button.textContent = "Sign out";
  button.className = "secondary";
  button.addEventListener("click", async () => {
    await post("logout");
    restart();
  });
  document.body.prepend(account);
}

/**
 * @param {string} path
 * @param {string} [body]
 */
function post(path, body = "{}") {
  const headers = { "Content-Type": "application/json" };
  return fetch(`/auth/${path}`, { method: "POST", headers, body });
}

/** Begins anew, without the conversation in the address. */
function restart() {
  history.replaceState(null, "", location.pathname);
  location.reload();
}

/**
 * Sends ChatKit's requests; if the session has ended, after the user has signed in again.
 *
 * @type {typeof fetch}
 */
export async function authFetch(input, init) {
  const request = new Request(input, init);
  const response = await fetch(request.clone());
  if (response.status !== 401) return response;
  await signIn();
  return fetch(request);
}
