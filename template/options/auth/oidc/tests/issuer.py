"""Run a local issuer for development: `uv run python -m tests.issuer`.

It signs a token for whoever asks, so it listens on this machine only. Its keys are new at every
start, and the backend loads them when it sees the first token.
"""

import argparse
import threading

from tests.services.auth import LocalIssuer


def main() -> None:
    """Run it until Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m tests.issuer", description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    port = parser.parse_args().port
    try:
        issuer = LocalIssuer("RS256", "ES256", "EdDSA", port=port)
    except (OSError, OverflowError) as error:
        parser.error(f"--port {port}: {error}; choose another one")
    print("Put these lines into .env:")
    for name, value in issuer().items():
        print(f"{name}={value}", flush=True)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        issuer.stop()


if __name__ == "__main__":
    main()
