//! Calls that touch the machine: text that is run, programs that are started, and what their command lines do.

use std::rc::Rc;

use super::api::{Api, Noun};
use super::builtins::Called;
use super::eval::{Eval, Source, known_module};
use super::value::{HOLE, Kind, Val};
use crate::behaviour::{Ability, Sources};
use crate::lang::{Callee, javascript, places, shell};

impl Eval {
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

    pub(super) fn api_call(
        &mut self,
        source: &Rc<Source>,
        offset: u32,
        called: &Called<'_>,
        api: Api,
        given: Sources,
    ) -> Val {
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
        if from.any(Sources::DECODED.with(Sources::BUILT))
            && api.does.iter().any(|ability| matches!(ability, Ability::Network | Ability::Dns))
            && (hides(source, text) || self.addresses.iter().any(|address| text.starts_with(&**address)))
        {
            self.effect(source, offset, Ability::HideAddress, from, Some(text));
        }
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
                items.iter().take(8).map(|item| (item.noun().unwrap_or_else(|| "\u{fffc}".into()), item.from)).collect()
            }
            Kind::Str(text) => text.split_whitespace().take(8).map(|word| (word.into(), command.from)).collect(),
            _ => return command.from,
        };
        let mut from = command.from.without(placed);
        let mut windows = false;
        for (word, source) in &words {
            let lower = word.trim_matches(['"', '\'']).to_ascii_lowercase();
            let interpreter = [
                "python", "python3", "pythonw", "sh", "bash", "cmd", "start", "/c", "node", "bun", "wscript",
                "cscript", "call", "sudo", "nohup", "/b", "\"\"", "java",
            ]
            .iter()
            .any(|known| lower.rsplit(['/', '\\']).next().unwrap_or(&lower).trim_end_matches(".exe") == *known);
            // `cscript //nologo`, `cmd /q`: flags as Windows writes them.
            let flag =
                lower.strip_prefix('/').is_some_and(|flag| flag.len() < 9 && !flag[1.min(flag.len())..].contains('/'))
                    && !lower.contains('.');
            if (interpreter || windows && flag) && !word.contains(HOLE) {
                windows |=
                    interpreter && ["cmd", "cscript", "wscript", "start"].iter().any(|host| lower.contains(host));
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
        let script = words.iter().skip(1).find(|word| javascript::is_script(word)).map(Rc::clone);
        if let Some(script) = script {
            self.own_file(source, offset, &script);
        }
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

/// Whether an address is known that nobody finds who searches the code for it.
fn hides(source: &Source, text: &str) -> bool {
    let host = places::host(text).or_else(|| {
        let plain = text.split([' ', ':']).next().unwrap_or_default();
        let named = plain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'));
        (named && plain.contains('.')).then(|| plain.to_ascii_lowercase())
    });
    host.is_some_and(|host| {
        let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let stands = source.text.contains(&*host) || source.text.to_ascii_lowercase().contains(&host);
        host.len() >= 5 && host.chars().all(known) && !stands
    })
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
