"""The kernel: ipykernel, launched so that no output is dropped, with `seer` and `PARAMS` for the agent's code."""
