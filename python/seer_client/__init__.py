from .connection import InterfaceError as InterfaceError
from .functions import offer as _offer

# The parts of it alone are what Seer's own processes use; as a library it has its interface beside it.
if __name__ != "seer_client":
    _offer(globals())
