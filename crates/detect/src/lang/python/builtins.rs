//! Calls of names that are not of this file: what folds is folded, what touches the machine becomes an effect.

use std::rc::Rc;

use super::api::{self};
use super::decode;
use super::eval::{Eval, Source, known_module};
use super::fold;
use super::method;
use super::special;
use super::value::{Arg, HOLE, Kind, Val};
use crate::behaviour::{Ability, Sources};
use crate::lang::places;

/// A call of a dotted name.
pub(super) struct Called<'a> {
    pub(super) path: Rc<str>,
    /// What the receiver was made with.
    pub(super) noun: Option<Rc<str>>,
    /// Whether a call came before in the name.
    pub(super) made: bool,
    pub(super) from: Sources,
    pub(super) args: &'a [Arg],
}

/// Whether a function given to this is called by it, sooner or later.
pub(super) fn starts(path: &str) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    let root = path.split('.').next().unwrap_or(path);
    match root {
        "threading" | "multiprocessing" | "billiard" => {
            matches!(last, "Thread" | "Timer" | "Process" | "map" | "apply" | "apply_async" | "starmap" | "map_async")
        }
        "concurrent" | "ThreadPoolExecutor" | "ProcessPoolExecutor" => matches!(last, "submit" | "map"),
        "_thread" | "thread" => last.starts_with("start_new"),
        "atexit" => last == "register",
        "asyncio" => matches!(
            last,
            "run" | "create_task" | "ensure_future" | "run_in_executor" | "to_thread" | "call_soon" | "gather"
        ),
        "map" | "filter" | "sorted" | "apply" | "reduce" | "functools" | "next" | "list" | "any" | "all" => true,
        "sched" | "schedule" | "signal" => matches!(last, "enter" | "enterabs" | "do"),
        "sys" => matches!(last, "setprofile" | "settrace" | "addaudithook"),
        "gevent" | "eventlet" => last.starts_with("spawn"),
        "setuptools" | "distutils" => last == "execute",
        _ => false,
    }
}

/// Builtins that star imports do not hide.
pub(super) fn is_builtin(name: &str) -> bool {
    matches!(
        name,
        "exec"
            | "eval"
            | "compile"
            | "open"
            | "getattr"
            | "setattr"
            | "hasattr"
            | "__import__"
            | "print"
            | "len"
            | "str"
            | "int"
            | "bytes"
            | "bytearray"
            | "chr"
            | "ord"
            | "list"
            | "dict"
            | "set"
            | "tuple"
            | "map"
            | "range"
            | "super"
            | "isinstance"
            | "type"
            | "object"
            | "Exception"
            | "globals"
            | "locals"
            | "vars"
            | "input"
            | "zip"
            | "sum"
            | "reversed"
            | "sorted"
            | "enumerate"
            | "any"
            | "all"
            | "bool"
            | "float"
            | "hex"
            | "filter"
            | "repr"
            | "exit"
    )
}

impl Eval {
    pub(super) fn named(&mut self, source: &Rc<Source>, offset: u32, called: &Called<'_>) -> Val {
        let path = &*called.path;
        let args = called.args;
        let given = args.iter().fold(Sources::NONE, |from, arg| from.with(arg.value.from));
        if path == "computed" || (called.made && called.from.any(Sources::BUILT) && path.starts_with("getattr")) {
            self.effect(source, offset, Ability::ComputedCall, called.from.with(given), None);
        }
        self.start_given(path, args);
        self.special_call(path, args);
        if let (true, Some(name), Some(held)) = (called.made, path.strip_prefix("str."), &called.noun) {
            let receiver = Val::text(held, called.from);
            let values: Vec<Val> = args.iter().map(|arg| arg.value.clone()).collect();
            let kind = method::method(&receiver, name, &values, &|_| None, &mut self.budget).unwrap_or(Kind::Unknown);
            return Val::new(kind, given.with(called.from.without(Sources::LITERAL)));
        }
        if let Some(value) = self.fold_call(source, offset, called, given) {
            return value;
        }
        if let Some(value) = self.file_call(source, offset, called, given) {
            return value;
        }
        // A method of what came over the network is no request: `response.json().get("x")`.
        let speaks = ["smtplib.", "ftplib.", "paramiko.", "telnetlib.", "http.", "httplib.", "websocket", "telebot."];
        let cipher = path.ends_with("decrypt") || speaks.iter().any(|root| path.starts_with(root));
        let answer = called.made && called.from.any(Sources::NETWORK) && !path.starts_with("socket") && !cipher;
        if !answer && let Some(api) = api::look_up(path) {
            return self.api_call(source, offset, called, api, given);
        }
        if !called.made && path.contains('.') && !known_module(path) {
            self.other(path);
        }
        // Whoever is given the address of a letter box puts something into it.
        let into = args.iter().filter_map(|arg| arg.value.as_str()).find(|text| places::letter_box(text));
        if let Some(address) = into.map(str::to_owned) {
            self.effect(source, offset, Ability::Network, given, Some(&address));
        }
        let noun =
            keeps_noun(path).then(|| args.first().and_then(|arg| arg.value.noun())).flatten().or(called.noun.clone());
        let mut from = called.from.with(given.without(Sources::LITERAL));
        // What a key signs is not the key.
        if [
            "jwt.",
            "jose.",
            "authlib.",
            "cryptography.",
            "Crypto.",
            "OpenSSL.",
            "hmac.",
            "hashlib.",
            "nacl.",
            "ecdsa.",
            "rsa.",
        ]
        .iter()
        .any(|root| path.starts_with(root))
        {
            from = from.without(Sources::CREDENTIAL.with(Sources::PRIVATE));
        }
        Val::new(Kind::Made(Rc::clone(&called.path), noun), from)
    }

    /// Functions given to threads, timers, `atexit` and the like run.
    fn start_given(&mut self, path: &str, args: &[Arg]) {
        if !starts(path) {
            return;
        }
        for arg in args {
            match &arg.value.kind {
                Kind::Func(at, def) => {
                    let list = self.arg(args, 1, &["args"]).and_then(|arg| arg.value.items()).map(<[Val]>::to_vec);
                    let given =
                        list.unwrap_or_default().into_iter().map(|value| Arg { name: None, value, variable: None });
                    let (at, def) = (*at, *def);
                    self.local(at, def, given.collect());
                }
                Kind::Path(path) if path.contains('.') && !known_module(path) => self.other(&Rc::clone(path)),
                _ => {}
            }
        }
    }

    /// Calls that fold, import, look up or execute.
    fn fold_call(&mut self, source: &Rc<Source>, offset: u32, called: &Called<'_>, given: Sources) -> Option<Val> {
        let args = called.args;
        let first = args.first().map(|arg| &arg.value);
        let plain = given;
        Some(match &*called.path {
            "exec" | "eval" => {
                let value = first?.clone();
                let statement = &*called.path == "exec";
                return Some(self.execute(source, offset, &value, statement));
            }
            "compile" => first?.clone(),
            "__import__" | "importlib.import_module" | "importlib.__import__" => {
                let value = first?;
                match value.constant_str() {
                    Some(module) => {
                        let line = source.line(offset);
                        self.imported(module, line);
                        if value.from.any(Sources::BUILT.with(Sources::DECODED)) {
                            self.effect(source, offset, Ability::ComputedCall, value.from, Some(module));
                        }
                        Val::new(Kind::Path(module.into()), value.from.without(Sources::LITERAL))
                    }
                    None => Val::new(Kind::Made("computed-module".into(), None), value.from),
                }
            }
            "importlib.util.spec_from_file_location" => {
                let path = args.get(1).and_then(|arg| arg.value.noun())?;
                self.own_file(source, offset, &path);
                Val::new(Kind::Made(Rc::clone(&called.path), Some(path)), plain)
            }
            // The module that a file of the package becomes: what is called of it, is called of that file.
            "importlib.util.module_from_spec" => match (&first?.kind, first?.noun()) {
                (Kind::Made(made, _), Some(path)) if made.ends_with("spec_from_file_location") => {
                    match special::module_of(&path) {
                        Some(module) => Val::path(&module),
                        None => return None,
                    }
                }
                _ => return None,
            },
            "getattr" => {
                let object = first?;
                let name = &args.get(1)?.value;
                match name.constant_str() {
                    Some(text) => {
                        let text = text.to_owned();
                        self.module_attribute(source, offset, &object.clone(), &text, name.from)
                    }
                    None => {
                        let module = matches!(&object.kind, Kind::Path(path) if matches!(&**path, "builtins" | "os" | "sys" | "subprocess"))
                            || matches!(&object.kind, Kind::Made(path, _) if &**path == "computed-module");
                        let built = name.from.any(Sources::BUILT.with(Sources::DECODED));
                        let path = if module && built { "computed" } else { "getattr" };
                        Val::new(Kind::Made(path.into(), None), object.from.with(name.from))
                    }
                }
            }
            "globals" | "locals" | "vars" if args.is_empty() => Val::path("globals()"),
            "vars" => match &first?.kind {
                Kind::Path(path) => Val::path(&format!("{path}.__dict__")),
                _ => return None,
            },
            "globals().get" | "globals().__getitem__" | "builtins.__dict__.get" | "builtins.get" | "get" => {
                let key = first?;
                let text = key.constant_str()?.to_owned();
                self.hidden(source, offset, &text, key.from);
                let sym = self.names.number(&text);
                self.get(sym).with(key.from)
            }
            "os.environ.get" | "os.getenv" | "os.environ.pop" | "os.environ.setdefault" | "environ.get" => {
                let name = first?.constant_str()?.to_owned();
                let value = self.variable(source, offset, &name);
                // Where nothing is set, which is nearly everywhere, the other value is it.
                match args.get(1).map(|arg| &arg.value) {
                    Some(other)
                        if other.constant_str().is_some_and(|text| text.len() > 3)
                            && value.as_str() == Some("\u{fffc}") =>
                    {
                        Val::new(other.kind.clone(), value.from.with(other.from))
                    }
                    _ => value,
                }
            }
            "os.environ.copy" | "os.environ.items" | "os.environ.values" | "os.environ.keys" => {
                self.effect(source, offset, Ability::ReadEnvironment, Sources::NONE, None);
                Val::unknown(Sources::ENVIRONMENT)
            }
            "setuptools.setup" | "distutils.core.setup" | "setup" | "numpy.distutils.core.setup" | "skbuild.setup" => {
                if let Some(arg) = self.keyword(args, "cmdclass") {
                    let classes = arg.value.clone();
                    self.commands(&classes);
                }
                Val::unknown(Sources::NONE)
            }
            // What an obfuscator leaves: one call of a name that nothing defines, with the code in it.
            name if packed(name) => {
                self.effect(source, offset, Ability::Execute, given.with(Sources::DECODED), Some("exec"));
                Val::unknown(Sources::DECODED)
            }
            "chr" | "unichr" => {
                match first?.as_int().and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32) {
                    Some(c) => Val::text(c.encode_utf8(&mut [0; 4]), plain.with(Sources::BUILT)),
                    None => Val::unknown(plain.with(Sources::BUILT)),
                }
            }
            "ord" => match first?.constant_str().and_then(|text| text.chars().next()) {
                Some(c) => Val::new(Kind::Int(i128::from(u32::from(c))), plain),
                None => match first?.constant_bytes() {
                    Some([byte]) => Val::new(Kind::Int(i128::from(*byte)), plain),
                    _ => Val::unknown(plain),
                },
            },
            "int" => self.int(args, plain)?,
            "len" => match &first?.kind {
                Kind::Str(text) if !text.contains(HOLE) => Val::new(Kind::Int(text.chars().count() as i128), plain),
                Kind::Bytes(bytes) => Val::new(Kind::Int(bytes.len() as i128), plain),
                Kind::List(items) => Val::new(Kind::Int(items.len() as i128), plain),
                _ => Val::unknown(Sources::NONE),
            },
            "str" | "repr" | "unicode" | "format" => {
                let value = first?;
                match (&value.kind, args.len()) {
                    (Kind::Bytes(bytes), 2..) => Val::new(Kind::Str(String::from_utf8_lossy(bytes).into()), plain),
                    (Kind::Path(path), _) if &**path == "os.environ" => {
                        self.effect(source, offset, Ability::ReadEnvironment, Sources::NONE, None);
                        Val::unknown(Sources::ENVIRONMENT)
                    }
                    (Kind::Made(..) | Kind::List(_) | Kind::Dict(_), _) => value.clone(),
                    _ => Val::new(Kind::Str(fold::show(value)), value.from),
                }
            }
            "bytes" | "bytearray" | "bytes.fromhex" | "bytearray.fromhex" | "memoryview" => {
                self.bytes(called, plain)?
            }
            "list" | "tuple" | "set" | "frozenset" | "iter" | "sorted" | "dict" | "json.dumps" | "pprint.pformat"
            | "json.dump" => {
                let value = first.cloned();
                match value {
                    Some(Val { kind: Kind::Path(path), .. }) if &*path == "os.environ" => {
                        self.effect(source, offset, Ability::ReadEnvironment, Sources::NONE, None);
                        Val::unknown(Sources::ENVIRONMENT)
                    }
                    Some(value) if matches!(&*called.path, "list" | "tuple") => match self.iterate(&value) {
                        Some(items) => Val::list(items, value.from),
                        None => value,
                    },
                    Some(value) if matches!(value.kind, Kind::List(_) | Kind::Dict(_)) => value,
                    Some(value) => Val::unknown(value.from.with(given)),
                    None if &*called.path == "dict" => {
                        let pairs = args
                            .iter()
                            .filter_map(|arg| {
                                Some((Val::text(self.names.text(arg.name?), Sources::NONE), arg.value.clone()))
                            })
                            .collect();
                        Val::new(Kind::Dict(Rc::new(pairs)), given)
                    }
                    None => Val::list(Vec::new(), Sources::NONE),
                }
            }
            "reversed" => {
                let mut items = self.iterate(&first?.clone())?;
                items.reverse();
                // Letters back to front hide a text; a list the other way round is a list.
                let letters = items.len() > 3
                    && items.iter().all(|item| item.as_str().is_some_and(|text| text.chars().count() <= 1));
                Val::list(items, if letters { plain.with(Sources::BUILT) } else { plain })
            }
            "range" | "xrange" => self.range(args)?,
            "enumerate" => {
                let items = self.iterate(&first?.clone())?;
                let pairs = (0..)
                    .zip(items)
                    .map(|(at, item)| Val::list(vec![Val::new(Kind::Int(at), Sources::NONE), item], Sources::NONE));
                Val::list(pairs.collect(), plain)
            }
            "zip" => {
                let a = self.iterate(&first?.clone())?;
                let b = self.iterate(&args.get(1)?.value.clone())?;
                Val::list(a.into_iter().zip(b).map(|(a, b)| Val::list(vec![a, b], Sources::NONE)).collect(), plain)
            }
            "map" => self.map(source, offset, args)?,
            "sum" => Val::unknown(plain),
            "isinstance" | "hasattr" | "issubclass" | "print" | "id" | "hash" => Val::unknown(Sources::NONE),
            "super" | "property" | "staticmethod" | "classmethod" | "functools.partial" | "functools.wraps" => {
                first.cloned().unwrap_or(Val::unknown(Sources::NONE))
            }
            "str.maketrans" | "bytes.maketrans" | "string.maketrans" => self.maketrans(args)?,
            "os.path.join" | "posixpath.join" | "ntpath.join" | "path.join" | "pathlib.Path.joinpath" => {
                let parts: Vec<Rc<str>> = args.iter().map(|arg| fold::show(&arg.value)).collect();
                let base = called.noun.iter().cloned().chain(parts).collect::<Vec<_>>().join("/");
                let from = crate::lang::places::place(&base).map_or(Sources::NONE, |place| place.holds);
                if !self.budget.room(base.len()) {
                    return Some(Val::unknown(plain));
                }
                Val::text(&base, plain.with(from).with(called.from))
            }
            "os.path.expanduser" | "os.path.expandvars" | "os.path.abspath" | "os.path.realpath"
            | "os.path.normpath" | "os.path.dirname" | "pathlib.Path" | "pathlib.PurePath" | "os.fspath"
            | "codecs.encode" | "shlex.split" | "shlex.quote" | "sys.intern" | "copy.copy" | "copy.deepcopy"
            | "textwrap.dedent" | "io.StringIO" | "io.BytesIO" => {
                let mut value = first?.clone();
                if &*called.path == "codecs.encode"
                    && args.get(1).and_then(|arg| arg.value.as_str()).is_some_and(is_rot13)
                {
                    let text = value.constant_str()?;
                    value = Val::text(&decode::rot13(text), plain.with(Sources::DECODED));
                }
                value
            }
            "pathlib.Path.home" | "os.path.home" => Val::text("~", Sources::NONE),
            "pathlib.Path.cwd" => Val::text(".", Sources::NONE),
            "tempfile.gettempdir" | "tempfile.mkdtemp" => Val::text("/tmp", Sources::FILE),
            _ => return self.decode_call(source, offset, called, given),
        })
    }
}

/// `__pyarmor__(__name__, __file__, b'...')`, with or without an import that says where it comes from.
fn packed(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__") && name.contains("armor")
}

fn is_rot13(codec: &str) -> bool {
    matches!(codec.to_ascii_lowercase().replace(['-', '_'], "").as_str(), "rot13")
}

/// Calls whose result stands for what they were given: a path, a URL.
fn keeps_noun(path: &str) -> bool {
    let root = path.split('.').next().unwrap_or(path);
    matches!(
        root,
        "pathlib"
            | "urllib"
            | "urllib2"
            | "http"
            | "httplib"
            | "zipfile"
            | "tarfile"
            | "tempfile"
            | "winreg"
            | "_winreg"
            | "open"
            | "io"
    )
}
