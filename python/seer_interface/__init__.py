"""The process behind an interface: loads a researcher's file, and runs the functions that it exposes."""
