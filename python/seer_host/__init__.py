"""The host: Seer's process on a sandbox's machine. It owns the kernels' sockets, their journal, and the lease."""
