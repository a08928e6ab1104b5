"""JupyterLab beside a session: a server on the researcher's side that shows the notebook, and runs no code itself."""
