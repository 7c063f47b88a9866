/** Returns what the backend says is wrong. */
async function problemIn(response: Response) {
  try {
    const { error } = (await response.json()) as { error: { message: string } };
    return error.message;
  } catch {
    return "The backend does not answer."; // the development server answers instead
  }
}
