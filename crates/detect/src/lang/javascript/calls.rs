//! Calls: what a name stands for, and what calling it does.

use std::rc::Rc;

use super::expr::Callee;
use super::scope::Reader;
use super::value::{ITEMS, Value};
use crate::behaviour::{Ability, Sources};
use crate::lang::shell::spell;
use crate::lang::{Callee as Called, places, shell};

/// What opaque sources make of a text that is run.
const HIDDEN: Sources = Sources::DECODED.with(Sources::BUILT);

impl Reader<'_> {
    /// A name that this file does not declare.
    pub(super) fn global(&mut self, name: &str) -> Value {
        match name {
            "globalThis" | "global" | "window" | "self" => Value::path("globalThis"),
            "__dirname" | "__filename" => Value { exact: false, ..Value::text(".") }.taint(Sources::OWN_FILE),
            "undefined" | "null" | "true" | "false" | "this" => Value { path: Some(name.into()), ..Value::default() },
            _ => Value::path(name),
        }
    }

    /// What `require` or `import` of this module gives.
    pub(super) fn required(&mut self, module: &str) -> Value {
        self.import(module);
        if module.starts_with('.') {
            return Value::path(format!("@{module}"));
        }
        let name = module.trim_start_matches("node:").trim_end_matches('/');
        if name.ends_with(".node") {
            let start = self.at;
            self.effect(Ability::LoadNative, Sources::NONE, start, name);
        }
        Value::path(match name {
            "fs/promises" | "fs-extra" | "graceful-fs" | "mz/fs" => "fs",
            "dns/promises" => "dns",
            "timers/promises" => "timers",
            "cross-spawn" => "child_process.spawn",
            "mz/child_process" => "child_process",
            "follow-redirects" => "globalThis",
            other => other,
        })
    }

    /// A part of a value by its name.
    pub(super) fn member(&mut self, value: &Value, name: &str) -> Value {
        if let Some(part) = value.part(name) {
            return part.clone().taint(value.from.without(Sources::LITERAL));
        }
        let Some(path) = &value.path else {
            return Value::from(value.from.without(Sources::LITERAL));
        };
        let known: Value = match (&**path, name) {
            ("globalThis", _) => return self.global(name),
            ("module" | "process.mainModule" | "require.main", "require") => Value::path("require"),
            ("process", "env") => Value::path("process.env").taint(Sources::ENVIRONMENT),
            ("process.env", "HOME" | "USERPROFILE") => Value { exact: false, ..Value::text("~") },
            ("process.env", "APPDATA" | "LOCALAPPDATA") => Value { exact: false, ..Value::text("~/AppData") },
            ("process.env", "TMPDIR" | "TEMP" | "TMP") => Value { exact: false, ..Value::text("/tmp") },
            ("process.env", _) => {
                if shell::command::secret_variable(name) {
                    let at = self.at;
                    self.effect(Ability::ReadVariable, Sources::NONE, at, name);
                }
                Value::default()
            }
            (_, "default") if !path.starts_with(['#', '@']) => value.clone(),
            ("fs", "promises") => value.clone(),
            ("process", "platform" | "arch" | "version" | "versions" | "pid" | "cwd") => {
                Value::path(format!("process.{name}"))
            }
            (path, _) if path.len() < 200 => Value::path(format!("{path}.{name}")),
            _ => Value::default(),
        };
        if value.named() == "process.env" { known } else { known.taint(value.from.without(Sources::LITERAL)) }
    }

    /// Arguments, with what flows into functions among them.
    fn arguments(&mut self, flows: &Value) -> Vec<Value> {
        let end = self.pairs[self.at] as usize;
        self.bump();
        let mut all = Vec::new();
        while !self.closes() {
            let before = self.at;
            let spread = self.is("...");
            if self.arrow_ahead() || self.is("function") || self.is("async") && self.is_at(self.at + 1, "function") {
                self.flows = flows.clone();
            }
            let owner = std::mem::take(&mut self.owner);
            let value = self.assignment();
            self.owner = owner;
            self.flows = Value::default();
            if all.len() < ITEMS {
                match &value.items {
                    Some(items) if spread => all.extend(items.iter().take(64).map(|(_, item)| item.clone())),
                    _ => all.push(value),
                }
            }
            self.take(",");
            if self.at == before {
                self.bump();
            }
        }
        if end > self.at {
            self.at = end;
        }
        self.take(")");
        all
    }

    /// `callee(...)`, or `new callee(...)`.
    pub(super) fn call(&mut self, callee: &Callee, new: bool) -> Value {
        let mut path: Rc<str> = callee.value.path.clone().unwrap_or_else(|| "".into());
        // `x.call(this, ...)`, `x.apply(...)` and `x.bind(...)` are x, one argument later.
        let mut shift = 0;
        for end in [".call", ".apply", ".bind"] {
            if let Some(stem) = path.strip_suffix(end) {
                path = stem.into();
                shift = 1;
                break;
            }
        }
        let receiver = callee.receiver.clone().unwrap_or_default();
        let mut flows = Value {
            items: receiver.items.clone(),
            from: receiver.all_from().without(Sources::LITERAL),
            ..Value::default()
        };
        flows.from = flows.from.with(super::network::gives(&path));
        let mut arguments = self.arguments(&flows);
        if path.ends_with(".bind") {
            return callee.value.clone();
        }
        if shift == 1 && arguments.len() > 1 {
            arguments.remove(0);
        }
        let given = arguments.iter().fold(Sources::NONE, |from, value| from.with(value.all_from()));
        self.starts(callee, &path, &arguments, given);
        if let Some(from) = callee.computed
            && (receiver.named() == "globalThis" || receiver.named() == "process" || from.any(HIDDEN))
            && !from.is_empty()
        {
            self.effect(Ability::ComputedCall, from, callee.start, "");
        }
        if let Some(text) = self.element_called(&path, &arguments) {
            return text;
        }
        if let Some(folded) = fold(&callee.name, &receiver, &arguments) {
            return folded;
        }
        let value = self.known(&path, callee, &receiver, &arguments, given, new);
        value.unwrap_or_else(|| self.unknown(callee, &receiver, &arguments, given))
    }

    /// `new callee` without arguments.
    pub(super) fn constructed(&mut self, callee: &Callee) -> Value {
        let path = callee.value.named().to_owned();
        self.starts(callee, &path, &[], Sources::NONE);
        callee.value.clone()
    }

    /// Which of this package's functions the call starts.
    fn starts(&mut self, callee: &Callee, path: &str, arguments: &[Value], given: Sources) {
        let unit = self.unit;
        if let Some(started) = callee.value.unit {
            self.calls(unit, started, given);
        } else if let Some(name) = &callee.bare {
            self.later(name, given);
        }
        if let Some(name) = path.strip_prefix('#') {
            self.method(name.to_owned());
        } else if let Some(rest) = path.strip_prefix('@') {
            let (module, name) = split_module(rest);
            let called = Called::Other(
                module.to_owned(),
                if name.is_empty() { "module.exports".to_owned() } else { name.to_owned() },
            );
            if self.units[unit].calls.len() < 4096 {
                self.units[unit].calls.push(called);
            }
        } else if let Some(name) = path.strip_prefix("this.") {
            // Of the class whose unit this is.
            let class = self.units[unit].name.rsplit_once('.').map(|(class, _)| format!("{class}.{name}"));
            class.into_iter().for_each(|name| self.method(name));
        }
        let bundler = callee
            .bare
            .as_deref()
            .is_some_and(|name| name.contains("commonJS") || name == "__esm" || name == "__esmMin");
        for argument in arguments {
            if let Some(started) = argument.unit {
                self.calls(unit, started, Sources::NONE);
            }
            if bundler {
                let units: Vec<usize> =
                    argument.items.iter().flat_map(|items| items.iter()).filter_map(|(_, item)| item.unit).collect();
                units.into_iter().for_each(|started| self.calls(unit, started, Sources::NONE));
            }
        }
    }

    /// A call of something that nothing is known of: taint flows on through methods and through the everyday converters.
    fn unknown(&mut self, callee: &Callee, receiver: &Value, arguments: &[Value], given: Sources) -> Value {
        let name = callee.bare.as_deref().unwrap_or(&callee.name);
        let hands_on = name.starts_with("__import")
            || name.starts_with("_interop")
            || name.starts_with("__toESM")
            || name == "__toCommonJS"
            || name == "promisify";
        if hands_on && let Some(first) = arguments.first() {
            return first.clone();
        }
        if let [Value { number: Some(id), .. }] = arguments
            && let Some(module) = self.bundled.get(&id.to_string()).cloned()
        {
            return self.required(&module);
        }
        if let [only] = arguments
            && let Some(module) = only.known().and_then(|id| self.bundled.get(id)).cloned()
        {
            return self.required(&module);
        }
        if callee.value.named().starts_with("#") && callee.value.unit.is_some() {
            return callee.value.clone();
        }
        let private = Sources::ENVIRONMENT.with(Sources::CREDENTIAL).with(Sources::SYSTEM).with(Sources::FILE);
        let returned = callee.value.unit.map(|unit| self.returned[unit]).unwrap_or_default();
        // What a function of ours gives back is known; into what a stranger makes of a secret nobody can see.
        let from = receiver.from.with(if returned.is_empty() { given.without(private) } else { returned.with(given) });
        let path = receiver.path.as_ref().filter(|path| path.ends_with("()")).cloned();
        Value { path, ..Value::from(from.without(Sources::LITERAL.with(Sources::UNKNOWN))) }
    }

    /// A command line: `exec("...")`, or a program with its words.
    pub(super) fn command(&mut self, callee: &Callee, arguments: &[Value], is_shell: bool) {
        let first = arguments.first().cloned().unwrap_or_default();
        let mut line = first.shown().to_owned();
        if let Some(words) = arguments.get(1).and_then(|words| words.items.as_ref().filter(|_| words.list)) {
            for (_, word) in words.iter().take(64) {
                line.push(' ');
                let text = word.text.as_deref().unwrap_or("?");
                let quote = text.contains([' ', ';', '|', '&', '<', '>', '(', '"', '\n']) && !text.contains('\'');
                if quote {
                    line.push('\'');
                }
                line.push_str(text);
                if quote {
                    line.push('\'');
                }
            }
        }
        let mut from = arguments.iter().take(2).fold(Sources::NONE, |from, value| from.with(value.all_from()));
        if let Some(wrote) = self.written.get(&last(first.shown())).or_else(|| {
            arguments
                .get(1)
                .and_then(|words| words.items.as_ref())
                .and_then(|words| words.iter().find_map(|(_, word)| self.written.get(&last(word.shown()))))
        }) {
            from = from.with(*wrote).with(Sources::WRITTEN);
        }
        // Which file it is must be known: that a computed path was put together beside `__dirname` says nothing. A script of the
        // package is no secret either: it is read like the others.
        if first.text.is_none() || super::is_script(first.shown()) {
            from = from.without(Sources::OWN_FILE);
        }
        let ability = if is_shell { Ability::Shell } else { Ability::Spawn };
        self.effect(ability, from, callee.start, &line);
        if !line.is_empty() {
            let at = self.tokens.get(callee.start).map_or(1, |token| token.line);
            // Words of a program are not a shell's, but programs that take command lines are told by their name.
            self.inner(shell::effects(&line, at), first.from.without(Sources::LITERAL.with(Sources::UNKNOWN)));
        }
        let own = arguments
            .iter()
            .flat_map(|value| value.items.iter().flat_map(|items| items.iter().map(|(_, item)| item)).chain([value]));
        let scripts: Vec<String> = own
            .filter_map(|value| value.text.as_deref())
            .filter(|text| text.starts_with('.') && super::is_script(text))
            .map(str::to_owned)
            .collect();
        for script in scripts.into_iter().take(8) {
            self.import(&script);
        }
    }

    /// Text that is run as code.
    pub(super) fn run_text(&mut self, callee: &Callee, argument: &Value) {
        self.effect(Ability::Execute, argument.from, callee.start, argument.shown());
        if let Some(text) = argument.known()
            && self.nested < 3
            && argument.from.any(HIDDEN)
            && text.len() > 16
        {
            let view = super::view_of("", text, self.nested + 1);
            let effects = view.units.into_iter().flat_map(|unit| unit.effects).take(200);
            let line = self.tokens.get(callee.start).map_or(1, |token| token.line);
            let effects = effects.map(|effect| crate::behaviour::Effect { line, ..effect }).collect();
            self.inner(effects, argument.from);
        }
    }

    /// `` $`command` `` of zx and Bun.
    pub(super) fn tagged(&mut self, callee: &Callee, text: &Value) -> Value {
        if matches!(callee.value.named(), "$" | "Bun.$" | "zx.$" | "execa.$" | "bun.$") {
            self.command(callee, std::slice::from_ref(text), true);
        } else if callee.name == "raw" {
            return text.clone();
        }
        Value::from(text.from.without(Sources::LITERAL))
    }

    /// What an assignment to something outside of this file's names does.
    pub(super) fn assigned_global(&mut self, path: &str, value: &Value, start: usize) {
        match path {
            "process.env.NODE_TLS_REJECT_UNAUTHORIZED" => {
                self.effect(Ability::Disarm, Sources::NONE, start, "certificate check")
            }
            "location.href" | "window.location" | "location"
                if value.from.any(Sources::PRIVATE.with(Sources::ENVIRONMENT)) =>
            {
                self.effect(Ability::Network, value.from, start, value.shown());
            }
            _ => {}
        }
    }

    pub(super) fn reads_place(&mut self, value: &Value, start: usize) -> Sources {
        let text = value.shown().to_owned();
        if places::credential(&text) {
            self.effect(Ability::ReadCredential, Sources::NONE, start, &text);
            return Sources::CREDENTIAL;
        }
        if places::browser(&text) {
            self.effect(Ability::ReadBrowser, Sources::NONE, start, &text);
            return Sources::PRIVATE;
        }
        if places::wallet(&text) {
            self.effect(Ability::Wallet, Sources::NONE, start, &text);
            return Sources::PRIVATE;
        }
        if text.starts_with("/proc/") && (text.ends_with("/mem") || text.ends_with("/environ")) {
            self.effect(Ability::ReadMemory, Sources::NONE, start, &text);
            return Sources::CREDENTIAL;
        }
        Sources::NONE
    }
}

/// `./lib.run` is `run` of `./lib`; the dots of a path do not count, nor does the extension.
fn split_module(path: &str) -> (&str, &str) {
    let after = path.rfind('/').map_or(0, |at| at + 1);
    let tail = &path[after..];
    for end in [".js", ".mjs", ".cjs", ".json", ".ts"] {
        if let Some(at) = tail.find(end) {
            let split = after + at + end.len();
            return (&path[..split], path[split..].trim_start_matches('.'));
        }
    }
    match tail.trim_start_matches('.').find('.') {
        Some(at) => {
            let split = path.len() - tail.trim_start_matches('.').len() + at;
            (&path[..split], &path[split + 1..])
        }
        None => (path, ""),
    }
}

pub(super) fn last(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_lowercase()
}

/// Methods of texts and arrays that give what is known again.
fn fold(name: &str, receiver: &Value, arguments: &[Value]) -> Option<Value> {
    let first = arguments.first();
    let built = receiver.from.with(Sources::BUILT);
    let text = |text: String| Some(Value { from: built, ..Value::text(text) });
    if let Some(known) = receiver.known() {
        return match name {
            "toString" | "trim" | "valueOf" | "normalize" if receiver.path.is_none() => Some(receiver.clone()),
            "toLowerCase" => text(known.to_lowercase()),
            "toUpperCase" => text(known.to_uppercase()),
            "split" => {
                let by = first?.known()?;
                let parts: Vec<(Rc<str>, Value)> = if by.is_empty() {
                    known.chars().take(ITEMS * 8).map(|c| ("".into(), Value::text(c.to_string()))).collect()
                } else {
                    known.split(by).take(ITEMS * 8).map(|part| ("".into(), Value::text(part))).collect()
                };
                Some(Value { items: Some(parts.into()), list: true, from: built, ..Value::default() })
            }
            "replace" | "replaceAll" => {
                let (old, new) = (first?.known()?, arguments.get(1)?.known()?);
                if old.is_empty() || known.len() * (new.len() + 1) > super::value::FOLD * 4 {
                    None
                } else {
                    text(known.replace(old, new))
                }
            }
            "concat" => Some(arguments.iter().fold(receiver.clone(), |value, next| value.join(next))),
            "slice" | "substring" | "substr" if known.is_ascii() => {
                let from = (first?.number?.max(0.0) as usize).min(known.len());
                let to = arguments.get(1).map_or(Some(known.len() as f64), |to| to.number)?;
                let to = if name == "substr" { from + to.max(0.0) as usize } else { to.max(0.0) as usize };
                text(known[from..to.clamp(from, known.len())].to_owned())
            }
            _ => None,
        };
    }
    let items = receiver.items.as_ref().filter(|_| receiver.list)?;
    match name {
        "reverse" => {
            Some(Value { items: Some(items.iter().rev().cloned().collect::<Vec<_>>().into()), ..receiver.clone() })
        }
        "join" => {
            let by = first.map_or(",", Value::shown);
            let pieces: Option<Vec<&str>> = items.iter().map(|(_, item)| item.known()).collect();
            match pieces {
                Some(pieces) if pieces.len() < ITEMS * 8 => text(pieces.join(by)),
                _ => {
                    let shown: Vec<&str> = items.iter().map(|(_, item)| item.text.as_deref().unwrap_or("?")).collect();
                    Some(Value { exact: false, from: receiver.all_from(), ..Value::text(shown.join(by)) })
                }
            }
        }
        _ => None,
    }
}

/// The text of bytes in an encoding.
pub(super) fn decoded(text: &str, encoding: &str) -> Option<String> {
    match encoding {
        "hex" => spell::hex(text),
        _ => spell::plain(text),
    }
}
