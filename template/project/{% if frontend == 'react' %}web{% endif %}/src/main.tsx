import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { SignedIn } from "./auth";
import { Chat } from "./Chat";
import { ErrorBoundary } from "./ErrorBoundary";
import "./style.css";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no element #root");

createRoot(root).render(
  <StrictMode>
    <ErrorBoundary>
      <SignedIn>
        <Chat />
      </SignedIn>
    </ErrorBoundary>
  </StrictMode>,
);
