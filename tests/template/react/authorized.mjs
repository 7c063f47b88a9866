// Sends a request through the `authFetch` of a compiled `auth.tsx`, and prints its status and all that was
// fetched. The backend refuses as many requests for ChatKit as the second argument says.
const [module, refusals] = process.argv.slice(2);

globalThis.location = { search: "?user=bob" };

const calls = [];
let left = Number(refusals);
globalThis.fetch = async (input, init) => {
  calls.push([String(input), Object.fromEntries(new Headers(init?.headers))]);
  if (input !== "/chatkit") return Response.json({ token: `token-${calls.length}` });
  return new Response(null, { status: left-- > 0 ? 401 : 200 });
};

const { authFetch } = await import(module);
const headers = new Headers({ "accept-language": "de" });
const { status } = await authFetch("/chatkit", { method: "POST", headers, body: "{}" });
console.log(JSON.stringify({ status, calls }));
