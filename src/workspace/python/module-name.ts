/** Which names a module may have, so that importing it gives that module and no other. */
import { SeerError } from '../../errors.ts'

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/

const words = (text: string) => new Set(text.trim().split(/\s+/))

const KEYWORDS = words(
  'False None True and as assert async await break class continue def del elif else except finally for from global if import in is ' +
    'lambda nonlocal not or pass raise return try while with yield',
)

/** Of Python 3.10 to 3.14. */
const STANDARD_LIBRARY = words(`
  __future__ __main__ _abc _aix_support _android_support _ast _ast_unparse _asyncio _bisect _blake2 _bootsubprocess _bz2
  _codecs _codecs_cn _codecs_hk _codecs_iso2022 _codecs_jp _codecs_kr _codecs_tw _collections _collections_abc
  _colorize _compat_pickle _compression _contextvars _crypt _csv _ctypes _curses _curses_panel _datetime _dbm
  _decimal _elementtree _frozen_importlib _frozen_importlib_external _functools _gdbm _hashlib _heapq _hmac _imp
  _interpchannels _interpqueues _interpreters _io _ios_support _json _locale _lsprof _lzma _markupbase _md5 _msi
  _multibytecodec _multiprocessing _opcode _opcode_metadata _operator _osx_support _overlapped _pickle _posixshmem
  _posixsubprocess _py_abc _py_warnings _pydatetime _pydecimal _pyio _pylong _pyrepl _queue _random
  _remote_debugging _scproxy _sha1 _sha2 _sha256 _sha3 _sha512 _signal _sitebuiltins _socket _sqlite3 _sre _ssl
  _stat _statistics _string _strptime _struct _suggestions _symtable _sysconfig _thread _threading_local _tkinter
  _tokenize _tracemalloc _types _typing _uuid _warnings _weakref _weakrefset _winapi _wmi _zoneinfo _zstd abc aifc
  annotationlib antigravity argparse array ast asynchat asyncio asyncore atexit audioop base64 bdb binascii binhex
  bisect builtins bz2 cProfile calendar cgi cgitb chunk cmath cmd code codecs codeop collections colorsys compileall
  compression concurrent configparser contextlib contextvars copy copyreg crypt csv ctypes curses dataclasses
  datetime dbm decimal difflib dis distutils doctest email encodings ensurepip enum errno faulthandler fcntl filecmp
  fileinput fnmatch fractions ftplib functools gc genericpath getopt getpass gettext glob graphlib grp gzip hashlib
  heapq hmac html http idlelib imaplib imghdr imp importlib inspect io ipaddress itertools json keyword lib2to3
  linecache locale logging lzma mailbox mailcap marshal math mimetypes mmap modulefinder msilib msvcrt
  multiprocessing netrc nis nntplib nt ntpath nturl2path numbers opcode operator optparse os ossaudiodev pathlib pdb
  pickle pickletools pipes pkgutil platform plistlib poplib posix posixpath pprint profile pstats pty pwd py_compile
  pyclbr pydoc pydoc_data pyexpat queue quopri random re readline reprlib resource rlcompleter runpy sched secrets
  select selectors shelve shlex shutil signal site smtpd smtplib sndhdr socket socketserver spwd sqlite3 sre_compile
  sre_constants sre_parse ssl stat statistics string stringprep struct subprocess sunau symtable sys sysconfig
  syslog tabnanny tarfile telnetlib tempfile termios textwrap this threading time timeit tkinter token tokenize
  tomllib trace traceback tracemalloc tty turtle turtledemo types typing unicodedata unittest urllib uu uuid venv
  warnings wave weakref webbrowser winreg winsound wsgiref xdrlib xml xmlrpc zipapp zipfile zipimport zlib zoneinfo
`)

/** What every environment of Seer's holds. */
const INSTALLED = words(`
  IPython PIL accelerate annotated_doc annotated_types anyio asttokens attr attrs certifi charset_normalizer click
  comm contourpy cycler dateutil debugpy executing fastjsonschema filelock fontTools fsspec functorch gguf h11
  hf_xet httpcore2 httpx2 huggingface_hub idna ipykernel ipykernel_launcher ipython_pygments_lexers isympy jedi
  jinja2 jsonschema jsonschema_specifications jupyter jupyter_client jupyter_core kiwisolver markdown_it markupsafe
  matplotlib matplotlib_inline mdurl mpl_toolkits mpmath nbformat nest_asyncio2 networkx numpy packaging pandas
  parso peft pexpect pip platformdirs prompt_toolkit psutil ptyprocess pure_eval pyarrow pydantic pydantic_core
  pygments pylab pyparsing referencing regex requests rich rpds safetensors setuptools shellingham stack_data sympy
  tokenizers torch torchgen tornado tqdm traitlets transformers truststore typer typing_extensions typing_inspection
  tzdata urllib3 wcwidth yaml zmq
`)

const OWN = words('seer seer_client seer_host seer_interface seer_kernel seer_setup seer_spawner')

export function isModuleName(name: string): boolean {
  return IDENTIFIER.test(name) && !KEYWORDS.has(name)
}

/** What goes by that name already; undefined: nothing. */
export function takenBy(name: string): string | undefined {
  if (OWN.has(name)) return 'a module of Seer'
  if (STANDARD_LIBRARY.has(name)) return "a module of Python's standard library"
  return INSTALLED.has(name) ? 'an installed package' : undefined
}

/** Throws for a name that cannot be imported, and for one that would hide another module from everything that needs it. */
export function checkModuleName(name: string): void {
  if (!isModuleName(name)) {
    throw new SeerError('library-name', {
      message: `"${name}" cannot be imported in Python${KEYWORDS.has(name) ? ': it is a word of the language' : ''}.`,
      hint: 'Use letters, digits and underscores, and no digit first.',
    })
  }
  const owner = takenBy(name)
  if (owner === undefined) return
  throw new SeerError('library-name', {
    message: `"${name}" is the name of ${owner}, which your module would hide.`,
    hint: 'Give it another name.',
  })
}
