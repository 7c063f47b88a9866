import { Component, type ReactNode } from "react";

interface State {
  error?: Error;
}

/** Shows an error in place of what could not be rendered; without it, the page would be blank. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = {};

  static getDerivedStateFromError(error: Error): State {
    return { error };
  }

  override render() {
    const { error } = this.state;
    if (!error) return this.props.children;
    return <p role="alert">The page does not work: {error.message} Reload it to try again.</p>;
  }
}
