"""Nobody sits at this kernel's keyboard: what asks for input fails at once, and says what to do instead."""

from __future__ import annotations

from ipykernel import zmqshell
from IPython.core.error import StdinNotImplementedError

_NOBODY = "Nobody can answer here: this kernel has no keyboard."
_DEBUGGERS = ("ipdb>", "(Pdb)", "(Pdb++)")


def refuse(prompt: str = "") -> str:
    """In place of `input`, for whatever asks: the code itself, or a debugger."""
    if prompt.strip() in _DEBUGGERS:
        raise StdinNotImplementedError(
            f"{_NOBODY} A debugger cannot be used: print what you want to know, or look at variables in the next cell."
        )
    asked = f" It was asked {prompt.strip()[:200]!r}." if prompt.strip() else ""
    raise StdinNotImplementedError(
        f"{_NOBODY}{asked} Put the answer into the code: a variable in place of input(), or a file that it reads."
    )


def refuse_password() -> str:
    """In place of `getpass.getpass`."""
    raise StdinNotImplementedError(
        f"{_NOBODY} A password or key cannot be typed in. The secrets that the researcher has given to this sandbox are"
        " in os.environ, each under its name."
    )


def shell_commands_read_nothing() -> None:
    """Commands behind `!` run in a terminal of their own, at which they would wait for ever for an answer."""
    run = zmqshell.system
    zmqshell.system = lambda command: run(f"exec </dev/null\n{command}")
