"""The servers that benchmarks start: the references, and the agent that all of them share."""
