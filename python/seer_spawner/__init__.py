"""The spawner: starts, signals and reaps processes for the host. It runs as the agent does and has no authority."""
