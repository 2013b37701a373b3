//! What the known functions of Node, Bun, Deno and of common packages do.

use super::calls::{decoded, last};
use super::expr::Callee;
use super::scope::Reader;
use super::value::Value;
use crate::behaviour::{Ability, Sources};
use crate::lang::places;

/// What a call of this gives to the functions that wait for its answer.
pub(super) fn gives(path: &str) -> Sources {
    if client(path).is_some() { Sources::NETWORK } else { Sources::NONE }
}

/// Whether calling this is a request, and whether it sends by its name.
fn client(path: &str) -> Option<bool> {
    let (base, method) = path.rsplit_once('.').unwrap_or((path, ""));
    const BARE: &[&str] = &[
        "fetch",
        "axios",
        "got",
        "node-fetch",
        "request",
        "undici",
        "needle",
        "superagent",
        "ky",
        "cross-fetch",
        "isomorphic-fetch",
        "phin",
        "bent",
        "request-promise",
    ];
    if BARE.contains(&path)
        || matches!(
            path,
            "http.get"
                | "https.get"
                | "http.request"
                | "https.request"
                | "undici.request"
                | "undici.fetch"
                | "Bun.fetch"
                | "globalThis.fetch"
                | "http2.connect"
                | "axios.request"
                | "navigator.sendBeacon"
        )
    {
        return Some(path.ends_with("sendBeacon"));
    }
    if BARE.contains(&base) {
        return match method {
            "get" | "stream" | "head" | "fetch" | "request" | "default" => Some(false),
            "post" | "put" | "patch" => Some(true),
            _ => None,
        };
    }
    matches!(path, "net.connect" | "net.createConnection" | "tls.connect" | "WebSocket" | "ws" | "XMLHttpRequest.send")
        .then_some(true)
}

impl Reader<'_> {
    /// The value of a call that is known; `None` for others.
    pub(super) fn known(
        &mut self,
        path: &str,
        callee: &Callee,
        receiver: &Value,
        arguments: &[Value],
        given: Sources,
        new: bool,
    ) -> Option<Value> {
        let start = callee.start;
        let none = Value::default();
        let first = arguments.first().unwrap_or(&none);
        let plain = given.without(Sources::LITERAL);
        if let Some(sends) = client(path) {
            return Some(self.request(path, sends, arguments, given, start));
        }
        if let Some(function) = path.strip_prefix("fs.") {
            return Some(self.file_system(function, arguments, start));
        }
        if let Some(function) = path.strip_prefix("child_process.") {
            match function {
                "exec" | "execSync" => self.command(callee, arguments, true),
                "spawn" | "spawnSync" | "execFile" | "execFileSync" | "fork" => {
                    let through =
                        arguments.iter().any(|value| value.part("shell").is_some_and(|shell| shell.named() != "false"));
                    self.command(callee, arguments, through);
                }
                _ => return None,
            }
            return Some(Value::path("child_process()"));
        }
        Some(match path {
            "require" | "import" => {
                if let Some(module) = first.known() {
                    let module = module.to_owned();
                    return Some(self.required(&module));
                }
                if plain.any(Sources::DECODED.with(Sources::NETWORK).with(Sources::WRITTEN))
                    || self.written.contains_key(&last(first.shown())) && first.text.is_some()
                {
                    self.effect(
                        Ability::Execute,
                        plain
                            .with(self.written.get(&last(first.shown())).copied().unwrap_or_default())
                            .with(Sources::WRITTEN),
                        start,
                        first.shown(),
                    );
                }
                Value::default()
            }
            "require.resolve" | "util.promisify" | "promisify" | "Object.freeze" | "Object.create" => first.clone(),
            "eval"
            | "Function"
            | "vm.runInThisContext"
            | "vm.runInNewContext"
            | "vm.runInContext"
            | "vm.Script"
            | "vm.compileFunction"
            | "AsyncFunction" => {
                let code = if path == "Function" { arguments.last().unwrap_or(&none) } else { first };
                self.run_text(callee, code);
                Value::from(plain)
            }
            "setTimeout" | "setInterval" | "setImmediate" if first.unit.is_none() && first.text.is_some() => {
                self.run_text(callee, first);
                Value::default()
            }
            "Worker" | "worker_threads.Worker" if new => {
                if arguments.get(1).is_some_and(|options| options.part("eval").is_some()) {
                    self.run_text(callee, first);
                } else if let Some(module) = first.known().filter(|text| text.starts_with('.')) {
                    let module = module.to_owned();
                    self.import(&module);
                }
                Value::default()
            }
            "execa" | "execa.execa" | "execa.command" | "execa.commandSync" | "execa.sync" | "shelljs.exec"
            | "Bun.spawn" | "Bun.spawnSync" | "Deno.run" | "Deno.Command" | "tinyexec.x" => {
                let list = Value { list: true, items: first.items.clone(), ..Value::default() };
                let flat = [
                    list.items
                        .as_ref()
                        .and_then(|items| items.first())
                        .map_or_else(|| first.clone(), |(_, item)| item.clone()),
                    if first.list { list } else { arguments.get(1).cloned().unwrap_or_default() },
                ];
                self.command(callee, &flat, path.contains("ommand") || path.contains("exec"));
                Value::path("child_process()")
            }
            "Buffer.from" | "Buffer" | "atob" | "base64-js.toByteArray" => {
                let encoding = arguments.get(1).map_or("", Value::shown).to_owned();
                if path != "atob" && !matches!(encoding.as_str(), "base64" | "hex" | "base64url" | "latin1" | "binary")
                {
                    let bytes: Option<Vec<u8>> = first
                        .items
                        .as_ref()
                        .filter(|_| first.list)
                        .and_then(|items| items.iter().map(|(_, item)| item.number.map(|n| n as u8)).collect());
                    return Some(
                        match bytes.filter(|bytes| bytes.len() > 8).and_then(|bytes| String::from_utf8(bytes).ok()) {
                            Some(text) => Value::text(text).taint(Sources::DECODED.with(Sources::BUILT)),
                            None => Value { path: None, unit: None, ..first.clone() }.taint(plain),
                        },
                    );
                }
                self.effect(Ability::Decode, first.from, start, "");
                let text = first.known().and_then(|text| decoded(text, &encoding));
                text.map(Value::text).unwrap_or_default().taint(given.with(Sources::DECODED))
            }
            "String.fromCharCode" | "String.fromCodePoint" => {
                let text: Option<String> =
                    arguments.iter().map(|value| value.number.and_then(|n| char::from_u32(n as u32))).collect();
                text.filter(|text| !text.is_empty())
                    .map(Value::text)
                    .unwrap_or_default()
                    .taint(plain.with(Sources::BUILT))
            }
            "zlib.gunzipSync"
            | "zlib.inflateSync"
            | "zlib.unzipSync"
            | "zlib.brotliDecompressSync"
            | "zlib.inflateRawSync"
            | "zlib.gunzip"
            | "zlib.inflate" => {
                self.effect(Ability::Decode, first.from, start, path);
                Value::from(plain.with(Sources::DECODED))
            }
            "crypto.createDecipheriv"
            | "crypto.createDecipher"
            | "crypto.privateDecrypt"
            | "CryptoJS.AES.decrypt"
            | "crypto-js.AES.decrypt" => {
                self.effect(Ability::Decrypt, plain, start, first.shown());
                Value::path("decipher()").taint(Sources::DECODED)
            }
            "os.homedir" => Value { exact: false, ..Value::text("~") },
            "os.tmpdir" => Value { exact: false, ..Value::text("/tmp") },
            "os.hostname" | "os.userInfo" | "os.networkInterfaces" | "process.getuid" => {
                self.effect(Ability::SystemInfo, Sources::NONE, start, path);
                Value::from(Sources::SYSTEM)
            }
            "path.join" | "path.resolve" | "path.posix.join" | "path.win32.join" => {
                let slash = Value::text("/");
                let mut whole = Value::default();
                for (at, piece) in arguments.iter().enumerate() {
                    whole =
                        if at == 0 { Value { path: None, ..piece.clone() } } else { whole.join(&slash).join(piece) };
                }
                if arguments.len() == 1 && whole.text.is_none() { Value::from(plain) } else { whole }
            }
            "path.dirname" | "path.normalize" | "url.fileURLToPath" | "fileURLToPath" | "String"
            | "encodeURIComponent" | "encodeURI" | "unescape" | "decodeURIComponent" | "btoa" => {
                Value { path: None, unit: None, ..first.clone() }
            }
            "JSON.stringify"
            | "Object.entries"
            | "Object.keys"
            | "Object.values"
            | "Object.assign"
            | "util.inspect"
            | "querystring.stringify"
            | "qs.stringify"
            | "URLSearchParams"
            | "structuredClone" => {
                if given.any(Sources::ENVIRONMENT)
                    && arguments.iter().any(|value| value.named() == "process.env")
                    && path != "Object.assign"
                {
                    self.effect(Ability::ReadEnvironment, Sources::NONE, start, "");
                }
                if path == "Object.assign" { first.clone().taint(plain) } else { Value::from(plain) }
            }
            "dns.lookup" | "dns.resolve" | "dns.resolve4" | "dns.resolveTxt" | "dns.resolve6" => {
                if first.known().is_none() || plain.any(Sources::SYSTEM.with(Sources::ENVIRONMENT)) {
                    self.effect(Ability::Dns, plain, start, first.shown());
                }
                Value::from(Sources::NETWORK)
            }
            "http.createServer" | "https.createServer" | "net.createServer" | "Bun.serve" | "Deno.serve" => {
                self.effect(Ability::Listen, Sources::NONE, start, "");
                Value::default()
            }
            "process.dlopen" | "ffi-napi.Library" | "koffi.load" | "bun:ffi.dlopen" => {
                self.effect(Ability::LoadNative, plain, start, first.shown());
                Value::default()
            }
            "module._compile" | "Module.prototype._compile" | "require.extensions" => {
                self.run_text(callee, first);
                Value::default()
            }
            "clipboardy.readSync"
            | "clipboardy.writeSync"
            | "clipboardy.read"
            | "clipboardy.write"
            | "navigator.clipboard.readText" => {
                self.effect(Ability::Clipboard, Sources::NONE, start, "");
                Value::from(Sources::PRIVATE)
            }
            "screenshot-desktop" | "iohook.start" | "node-global-key-listener.GlobalKeyboardListener" => {
                self.effect(Ability::Watch, Sources::NONE, start, path);
                Value::from(Sources::PRIVATE)
            }
            _ => return self.by_method(callee, receiver, arguments, given, start),
        })
    }

    /// Methods that say what they do by their name, on a receiver that is known.
    fn by_method(
        &mut self,
        callee: &Callee,
        receiver: &Value,
        arguments: &[Value],
        given: Sources,
        start: usize,
    ) -> Option<Value> {
        let base = receiver.named();
        match callee.name.as_str() {
            "write" | "end" | "send" if base == "request()" && !arguments.is_empty() => {
                let from = given.without(Sources::LITERAL).with(receiver.from.without(Sources::NETWORK));
                if !from.without(Sources::UNKNOWN).is_empty() || from.any(Sources::UNKNOWN) {
                    self.effect(Ability::Network, from, start, receiver.shown());
                }
                Some(receiver.clone())
            }
            "_compile" => {
                let code = arguments.first().cloned().unwrap_or_default();
                self.run_text(callee, &code);
                Some(Value::default())
            }
            "update" | "final" if base == "decipher()" => Some(Value {
                path: receiver.path.clone(),
                ..Value::from(given.without(Sources::LITERAL).with(Sources::DECODED))
            }),
            "pipe" => {
                // A response that goes into a file: the file holds what came.
                if let Some(file) = arguments.first().filter(|value| value.named() == "file()") {
                    self.written.insert(last(file.shown()), receiver.from);
                }
                arguments.first().cloned()
            }
            _ => None,
        }
    }

    fn request(&mut self, path: &str, sends: bool, arguments: &[Value], given: Sources, start: usize) -> Value {
        let none = Value::default();
        let first = arguments.first().unwrap_or(&none);
        let part = |name: &str| {
            arguments
                .iter()
                .find_map(|value| value.part(name))
                .map(|value| value.shown().to_owned())
                .filter(|text| !text.is_empty())
        };
        let host = part("hostname").or_else(|| part("host"));
        let target = match (first.text.as_deref(), host) {
            (Some(url), _) => url.to_owned(),
            (None, Some(host)) => format!("{host}{}", part("path").unwrap_or_default()),
            _ => part("url").unwrap_or_default(),
        };
        let method = part("method")
            .is_some_and(|method| !method.eq_ignore_ascii_case("get") && !method.eq_ignore_ascii_case("head"));
        let body = arguments
            .iter()
            .any(|value| ["body", "data", "form", "formData"].iter().any(|name| value.part(name).is_some()));
        let from = given.without(Sources::LITERAL);
        let sends = sends
            || method
            || body
            || from.any(Sources::ENVIRONMENT.with(Sources::CREDENTIAL).with(Sources::PRIVATE).with(Sources::SYSTEM));
        if places::credential(&target) {
            self.effect(Ability::ReadCredential, Sources::NONE, start, &target);
        }
        self.effect(if sends { Ability::Network } else { Ability::Download }, from, start, &target);

        let connection = path.ends_with("request")
            || path.ends_with("connect")
            || path.ends_with("createConnection")
            || path == "WebSocket"
            || path == "ws"
            || path == "https.get"
            || path == "http.get";
        let path = connection.then(|| "request()".into());
        Value {
            path,
            text: (!target.is_empty()).then(|| target.as_str().into()),
            exact: false,
            ..Value::from(Sources::NETWORK)
        }
    }

    fn file_system(&mut self, function: &str, arguments: &[Value], start: usize) -> Value {
        let none = Value::default();
        let first = arguments.first().unwrap_or(&none);
        let second = arguments.get(1).unwrap_or(&none);
        let base = function.trim_end_matches("Sync");
        match base {
            "readFile" | "createReadStream" | "open" | "readJson" | "readJSON" => {
                let from = self.reads_place(first, start);
                if from.is_empty() {
                    let own = first.from.any(Sources::OWN_FILE);
                    return Value::from(if own { Sources::OWN_FILE } else { Sources::FILE });
                }
                Value::from(from)
            }
            "readdir" | "existsSync" | "exists" | "stat" | "access" | "lstat" => {
                let text = first.shown();
                Value {
                    from: if places::credential(text) { Sources::NONE } else { first.from.without(Sources::LITERAL) },
                    ..Value::default()
                }
            }
            "writeFile" | "appendFile" | "outputFile" | "createWriteStream" | "outputJson" | "writeJson"
            | "outputJSON" | "writeJSON" => {
                self.writes(first, second, start);
                Value { path: Some("file()".into()), text: first.text.clone(), exact: first.exact, ..Value::default() }
            }
            "copyFile" | "rename" | "copy" | "move" | "cp" | "symlink" | "link" => {
                let moved =
                    self.written.get(&last(first.shown())).copied().unwrap_or(first.from.without(Sources::LITERAL));
                self.reads_place(first, start);
                self.writes(second, &Value::from(moved), start);
                Value::default()
            }
            "chmod" | "fchmod" => {
                if let Some(from) = self.written.get(&last(first.shown())).copied().filter(|_| first.text.is_some()) {
                    self.effect(Ability::MakeExecutable, from.with(Sources::WRITTEN), start, first.shown());
                }
                Value::default()
            }
            "unlink" | "rm" | "rmdir" | "remove" | "emptyDir" => {
                let home = first.text.is_some() && places::home(first.shown());
                self.effect(
                    Ability::DeleteFile,
                    first.from.without(Sources::LITERAL),
                    start,
                    if home { "home" } else { first.shown() },
                );
                Value::default()
            }
            _ => Value::from(first.from.without(Sources::LITERAL)),
        }
    }

    fn writes(&mut self, path: &Value, data: &Value, start: usize) {
        let text = path.shown().to_owned();
        let from = data.all_from();
        let ability = if places::agent_config(&text) {
            Ability::AgentConfig
        } else if places::persistent(&text) {
            Ability::Persist
        } else {
            Ability::WriteFile
        };
        self.effect(ability, from, start, &text);
        if path.text.is_some() && self.written.len() < 1000 {
            self.written.insert(last(&text), from.without(Sources::LITERAL));
        }
    }
}
