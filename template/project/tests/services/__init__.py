"""What the backend needs to run, started for the tests."""
