"""What a generated project says about itself, tested."""
