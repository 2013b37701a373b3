//! Calls of names that are not of this file: what folds is folded, what touches the machine becomes an effect.

use std::rc::Rc;

use super::api::{self, Api, Noun};
use super::decode;
use super::eval::{Eval, Source, known_module};
use super::fold;
use super::value::{Arg, HOLE, Kind, Val};
use crate::behaviour::{Ability, Sources};
use crate::lang::{Callee, places, shell};
use crate::pickle;

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
            let kind = fold::method(&receiver, name, &values, &|_| None, &mut self.budget).unwrap_or(Kind::Unknown);
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
        let from = called.from.with(given.without(Sources::LITERAL));
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
                self.variable(source, offset, &name)
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
                let letters = items.iter().all(|item| item.as_str().is_some_and(|text| text.chars().count() <= 1));
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

    fn int(&mut self, args: &[Arg], from: Sources) -> Option<Val> {
        let value = &args.first()?.value;
        if let Some(number) = value.as_int() {
            return Some(Val::new(Kind::Int(number), from));
        }
        let base = args.get(1).and_then(|arg| arg.value.as_int()).unwrap_or(10);
        let base = u32::try_from(base).ok().filter(|base| (2..=36).contains(base))?;
        let text = value.constant_str()?.trim();
        let digits = text.trim_start_matches("0x").trim_start_matches("0b").trim_start_matches("0o");
        Some(i128::from_str_radix(digits, base).map_or(Val::unknown(from), |number| Val::new(Kind::Int(number), from)))
    }

    fn bytes(&mut self, called: &Called<'_>, from: Sources) -> Option<Val> {
        let value = &called.args.first()?.value;
        if called.path.ends_with("fromhex") {
            let bytes = decode::hex(value.constant_bytes()?)?;
            return Some(Val::new(Kind::Bytes(bytes.into()), from.with(Sources::DECODED)));
        }
        if let Some(items) = value.items() {
            let bytes: Option<Vec<u8>> =
                items.iter().map(|item| item.as_int().and_then(|n| u8::try_from(n).ok())).collect();
            let built = if items.len() > 3 { Sources::BUILT } else { Sources::NONE };
            return Some(bytes.map_or(Val::unknown(from.with(built)), |bytes| {
                Val::new(Kind::Bytes(bytes.into()), from.with(built))
            }));
        }
        match &value.kind {
            Kind::Int(_) => Some(Val::unknown(Sources::NONE)),
            _ => match value.constant_bytes() {
                Some(bytes) => Some(Val::new(Kind::Bytes(bytes.into()), from)),
                None => Some(Val::unknown(from)),
            },
        }
    }

    fn range(&mut self, args: &[Arg]) -> Option<Val> {
        let numbers: Option<Vec<i128>> = args.iter().map(|arg| arg.value.as_int()).collect();
        let (start, end, step) = match numbers?[..] {
            [end] => (0, end, 1),
            [start, end] => (start, end, 1),
            [start, end, step] if step != 0 => (start, end, step),
            _ => return None,
        };
        let mut items = Vec::new();
        let mut at = start;
        while if step > 0 { at < end } else { at > end } {
            if items.len() >= 20_000 {
                return None;
            }
            items.push(Val::new(Kind::Int(at), Sources::NONE));
            at = at.checked_add(step)?;
        }
        self.budget.step(items.len() as u64).then(|| Val::list(items, Sources::NONE))
    }

    fn map(&mut self, source: &Rc<Source>, offset: u32, args: &[Arg]) -> Option<Val> {
        let function = args.first()?.value.clone();
        let value = args.get(1)?.value.clone();
        let Some(items) = self.iterate(&value) else {
            let built = matches!(&function.kind, Kind::Path(path) if &**path == "chr");
            return Some(Val::unknown(if built { value.from.with(Sources::BUILT) } else { value.from }));
        };
        let mut out = Vec::new();
        for item in items {
            if self.budget.steps < 20_000 {
                return Some(Val::unknown(value.from));
            }
            let args = [Arg { name: None, value: item, variable: None }];
            out.push(match &function.kind {
                Kind::Func(at, def) => self.enter(*at, *def, None, Some(args.to_vec()), false),
                Kind::Path(path) => {
                    let called =
                        Called { path: Rc::clone(path), noun: None, made: false, from: Sources::NONE, args: &args };
                    self.named(source, offset, &called)
                }
                _ => Val::unknown(value.from),
            });
        }
        Some(Val::list(out, value.from))
    }

    fn maketrans(&mut self, args: &[Arg]) -> Option<Val> {
        let first = &args.first()?.value;
        if matches!(first.kind, Kind::Dict(_)) {
            return Some(first.clone());
        }
        let (a, b) = (first.constant_str()?, args.get(1)?.value.constant_str()?);
        let pairs = a.chars().zip(b.chars()).map(|(a, b)| {
            (
                Val::new(Kind::Int(i128::from(u32::from(a))), Sources::NONE),
                Val::new(Kind::Int(i128::from(u32::from(b))), Sources::NONE),
            )
        });
        Some(Val::new(Kind::Dict(Rc::new(pairs.collect())), Sources::BUILT))
    }

    /// Decoders: of constants the decoded value, of anything else its sources.
    fn decode_call(&mut self, source: &Rc<Source>, offset: u32, called: &Called<'_>, given: Sources) -> Option<Val> {
        let path = &*called.path;
        let decoder = path.rsplit('.').next().unwrap_or(path);
        let root = path.split('.').next().unwrap_or(path);
        if matches!(root, "pickle" | "cPickle" | "_pickle" | "dill" | "cloudpickle")
            && decoder == "loads"
            && let Some(bytes) = called.args.first().and_then(|arg| arg.value.constant_bytes())
            && let Some((module, name)) = pickle::names(bytes).into_iter().find(pickle::harm)
        {
            let calls = format!("{module}.{name}");
            self.effect(source, offset, Ability::Execute, given.with(Sources::DECODED), Some(&calls));
        }
        let known = match root {
            "base64" | "pybase64" => {
                decoder.ends_with("decode") || decoder.ends_with("decodebytes") || decoder.ends_with("decodestring")
            }
            "binascii" => decoder.starts_with("a2b") || decoder == "unhexlify",
            "codecs" => decoder == "decode",
            "zlib" | "gzip" | "lzma" | "bz2" | "brotli" | "zstandard" | "lz4" => {
                decoder == "decompress" || path == "zlib.decompressobj.decompress"
            }
            "marshal" | "dill" | "cloudpickle" => decoder == "loads",
            "b64decode" | "unhexlify" | "decompress" => !path.contains('.'),
            _ => false,
        };
        if !known {
            return None;
        }
        let value = called.args.first().map(|arg| arg.value.clone())?;
        let from = given.with(Sources::DECODED);
        self.effect(source, offset, Ability::Decode, value.from, None);
        let room = self.budget.bytes;
        let decoded = value.constant_bytes().filter(|bytes| bytes.len() <= room / 2).and_then(|bytes| match decoder {
            "b32decode" => decode::base32(bytes),
            "b85decode" => decode::base85(bytes, false),
            "a85decode" => decode::base85(bytes, true),
            "b16decode" | "unhexlify" | "a2b_hex" => decode::hex(bytes),
            "decompress" => decode::inflate(bytes, room.min(8 << 20)),
            "loads" => None,
            "decode" if root == "codecs" => {
                let codec = called.args.get(1).and_then(|arg| arg.value.as_str()).unwrap_or("utf-8");
                match fold::codec_decode(bytes, codec, &mut self.budget)? {
                    Kind::Bytes(bytes) => Some(bytes.to_vec()),
                    Kind::Str(text) => Some(text.as_bytes().to_vec()),
                    _ => None,
                }
            }
            _ => decode::base64(bytes),
        });
        if root == "marshal"
            && let Some(bytes) = value.constant_bytes()
        {
            // Marshalled code does not become source again, but its names and texts can be read.
            let text = decode::strings(bytes);
            self.host(source, offset, &text);
            self.shell(source, offset, &text, from);
        }
        let Some(bytes) = decoded.filter(|bytes| self.budget.room(bytes.len())) else {
            return Some(Val::unknown(from));
        };
        if let Ok(text) = std::str::from_utf8(&bytes)
            && text.contains("://")
        {
            self.host(source, offset, text);
        }
        let kind = match std::str::from_utf8(&bytes) {
            Ok(text) if root == "codecs" => Kind::Str(text.into()),
            _ => Kind::Bytes(bytes.into()),
        };
        Some(Val::new(kind, from))
    }

    /// `exec(value)`: the effect, and what is inside where that is known.
    pub(super) fn execute(&mut self, source: &Rc<Source>, offset: u32, value: &Val, statement: bool) -> Val {
        let text = match &value.kind {
            Kind::Str(text) if !text.contains(HOLE) => Some(Rc::clone(text)),
            Kind::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into()),
            _ => None,
        };
        let written = self.sources_of_written(&value.noun().unwrap_or_default());
        self.effect(
            source,
            offset,
            Ability::Execute,
            value.from.with(written),
            text.as_deref().or(value.noun().as_deref()).or(statement.then_some("exec")),
        );
        if value.from.any(Sources::OWN_FILE)
            && let Some(path) = value.noun()
        {
            self.own_file(source, offset, &path);
        }
        match text {
            Some(text) => {
                let line = source.line(offset);
                self.run_text(&text, line)
            }
            None => Val::unknown(value.from),
        }
    }

    fn api_call(&mut self, source: &Rc<Source>, offset: u32, called: &Called<'_>, api: Api, given: Sources) -> Val {
        let args = called.args;
        let noun = match api.noun {
            Noun::None => None,
            Noun::Receiver => called.noun.clone(),
            Noun::Arg(at) => self
                .arg(
                    args,
                    at,
                    &["url", "args", "cmd", "command", "path", "file", "filename", "host", "address", "uri", "token"],
                )
                .or_else(|| args.first())
                .and_then(|arg| arg.value.noun())
                .or_else(|| called.noun.clone()),
        };
        let text = noun.as_deref().unwrap_or_default();
        let mut from = given.with(called.from);
        if api.does.contains(&Ability::Spawn) {
            let command =
                args.iter().find(|arg| arg.name.is_none()).or_else(|| args.first()).map(|arg| arg.value.clone());
            let command = command.unwrap_or(Val::unknown(from));
            from = self.command_from(&command).with(called.from);
            self.interpreter(source, offset, &command);
        } else if api.does.contains(&Ability::Execute) {
            from = from.with(self.sources_of_written(text));
        }
        // A service is told the secret that is for it: `client.run(token)`, `smtp.login(user, password)`.
        let last = called.path.rsplit('.').next().unwrap_or(&called.path);
        if matches!(last, "run" | "login" | "from_url" | "Webhook" | "connect") {
            from = from.without(Sources::CREDENTIAL);
        }
        if matches!(&*called.path, "runpy.run_path" | "execfile" | "imp.load_source") {
            self.own_file(source, offset, text);
        }
        for &ability in api.does {
            self.effect(source, offset, ability, from, noun.as_deref());
        }
        if api.does.contains(&Ability::Spawn) {
            let shell = self.keyword(args, "shell").is_some_and(|arg| !matches!(arg.value.kind, Kind::Bool(false)));
            if shell {
                self.effect(source, offset, Ability::Shell, from, noun.as_deref());
            }
            let command = args.iter().find(|arg| arg.name.is_none()).or_else(|| args.first());
            match command.and_then(|arg| quoted_words(&arg.value)) {
                Some(words) => self.shell(source, offset, &words, from),
                None => self.shell(source, offset, text, from),
            }
            if from.any(Sources::WRITTEN) {
                self.run_written(source, offset, text);
            }
        }
        if text.contains("://") {
            self.host(source, offset, text);
        } else if api.does.contains(&Ability::Network)
            && let Some(host) = text.split(' ').next()
        {
            self.host(source, offset, &format!("tcp://{host}/"));
        }
        if api.does.contains(&Ability::WriteFile) {
            let target = self.arg(args, 1, &["filename", "out", "output", "path", "extract_dir"]).cloned();
            if let Some(target) = target {
                self.wrote(source, offset, &target, from);
            }
        }
        let gives = if api.does.contains(&Ability::Spawn) && is_inquiry(text) { Sources::SYSTEM } else { api.gives };
        Val::new(Kind::Made(Rc::clone(&called.path), noun), called.from.with(gives))
    }

    /// Where the program comes from that a command line starts. The sources of its other words are not the program's:
    /// `pip install -r <a file that was written>` starts pip.
    fn command_from(&self, command: &Val) -> Sources {
        let placed = Sources::NETWORK.with(Sources::WRITTEN).with(Sources::OWN_FILE).with(Sources::FILE);
        let words: Vec<(Rc<str>, Sources)> = match &command.kind {
            Kind::List(items) => {
                items.iter().take(4).map(|item| (item.noun().unwrap_or_else(|| "\u{fffc}".into()), item.from)).collect()
            }
            Kind::Str(text) => text.split_whitespace().take(4).map(|word| (word.into(), command.from)).collect(),
            _ => return command.from,
        };
        let mut from = command.from.without(placed);
        for (word, source) in &words {
            let lower = word.trim_matches(['"', '\'']).to_ascii_lowercase();
            let interpreter = [
                "python", "python3", "pythonw", "sh", "bash", "cmd", "start", "/c", "node", "bun", "wscript",
                "cscript", "call", "sudo", "nohup", "/b", "\"\"", "java",
            ]
            .iter()
            .any(|known| lower.rsplit(['/', '\\']).next().unwrap_or(&lower).trim_end_matches(".exe") == *known);
            if interpreter && !word.contains(HOLE) {
                continue;
            }
            if word.starts_with('-') {
                break;
            }
            if word.contains(HOLE) {
                from = from.with(*source);
            }
            from = from.with(self.sources_of_written(word));
            break;
        }
        from
    }

    /// `python -c CODE` runs code that is here, `python -m MODULE` perhaps a module of the package.
    fn interpreter(&mut self, source: &Source, offset: u32, command: &Val) {
        let words: Vec<Rc<str>> = match &command.kind {
            Kind::List(items) => items.iter().take(4).map(|item| item.noun().unwrap_or_default()).collect(),
            Kind::Str(text) => text.split_whitespace().take(4).map(Into::into).collect(),
            _ => return,
        };
        let [program, flag, rest @ ..] = &words[..] else { return };
        let what: &Rc<str> = rest.first().unwrap_or(flag);
        let program = program.rsplit(['/', '\\']).next().unwrap_or(program).to_ascii_lowercase();
        if !program.starts_with("python") && program != "py" && !program.contains(HOLE) {
            return;
        }
        match &**flag {
            script if script.ends_with(".py") => self.own_file(source, offset, script),
            "-c" if matches!(command.kind, Kind::List(_)) && !what.contains(HOLE) => {
                let line = source.line(offset);
                self.run_text(what, line);
            }
            "-m" if !what.contains(HOLE) && !known_module(what) => {
                let line = source.line(offset);
                self.imported(what, line);
                self.edge(Callee::Other(what.to_string(), "__main__".to_owned()));
                self.imported(&format!("{what}.__main__"), line);
                self.edge(Callee::Other(format!("{what}.__main__"), "__main__".to_owned()));
            }
            _ => {}
        }
    }

    /// What a command line does.
    pub(super) fn shell(&mut self, source: &Source, offset: u32, text: &str, from: Sources) {
        if text.is_empty() || text.len() > 1 << 20 {
            return;
        }
        for effect in shell::effects(text, source.line(offset)) {
            self.effect(
                source,
                offset,
                effect.ability,
                effect.from.with(from),
                effect.detail.as_deref().or(Some(text)),
            );
        }
        let lower = text.to_ascii_lowercase();
        if lower.contains("pip install") || lower.contains("pip3 install") || lower.contains("-m pip") {
            self.effect(source, offset, Ability::InstallPackage, from, Some(text));
        }
        let fetches = [
            "curl",
            "wget",
            "invoke-webrequest",
            "downloadstring",
            "downloadfile",
            "certutil",
            "bitsadmin",
            "iwr ",
            "start-bitstransfer",
        ];
        if text.contains("://") && fetches.iter().any(|word| lower.contains(word)) {
            self.effect(source, offset, Ability::Network, from, Some(text));
            self.effect(source, offset, Ability::Download, from, Some(text));
        }
    }

    /// Whether this text names a file that was written before.
    pub(super) fn sources_of_written(&self, text: &str) -> Sources {
        let hit = text.len() > 3
            && self.written.keys().take(200).any(|path| {
                let tail = path.rsplit(HOLE).next().unwrap_or(path);
                if tail.len() == path.len() {
                    text.contains(&**path)
                } else {
                    tail.len() >= 5 && tail.contains('.') && text.ends_with(tail)
                }
            });
        if hit { Sources::WRITTEN } else { Sources::NONE }
    }
}

/// `__pyarmor__(__name__, __file__, b'...')`, with or without an import that says where it comes from.
fn packed(name: &str) -> bool {
    name.len() > 4 && name.starts_with("__") && name.ends_with("__") && name.contains("armor")
}

fn is_rot13(codec: &str) -> bool {
    matches!(codec.to_ascii_lowercase().replace(['-', '_'], "").as_str(), "rot13")
}

/// A list that starts an interpreter, written as a shell would need it: its code is no shell's.
fn quoted_words(command: &Val) -> Option<String> {
    let items = command.items()?;
    let first = items.first()?.noun()?;
    let program = first.rsplit(['/', '\\']).next().unwrap_or(&first).to_ascii_lowercase();
    if !["python", "py", "node", "perl", "ruby", "php", "git"].iter().any(|known| program.starts_with(known)) {
        return None;
    }
    let mut text = String::new();
    for item in items.iter().take(64) {
        let word = item.noun().unwrap_or_else(|| "\u{fffc}".into());
        if !text.is_empty() {
            text.push(' ');
        }
        match word.contains(|c: char| c.is_whitespace() || "\"'|&;<>()$`*?#~".contains(c)) {
            true => text.push_str(&format!("'{}'", word.replace('\'', "'\\''"))),
            false => text.push_str(&word),
        }
        if text.len() > 8_192 {
            break;
        }
    }
    Some(text)
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

/// Commands that ask the machine who and where it is.
fn is_inquiry(command: &str) -> bool {
    let lower = command.to_ascii_lowercase();
    [
        "whoami",
        "hostname",
        "uname",
        "ipconfig",
        "ifconfig",
        "systeminfo",
        "wmic",
        "id",
        "ip a",
        "netsh wlan",
        "tasklist",
        "env",
    ]
    .iter()
    .any(|word| lower == *word || lower.starts_with(&format!("{word} ")))
}
