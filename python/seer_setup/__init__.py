"""Programs that the set-up runs with the sandbox's Python, before there is a sandbox."""
