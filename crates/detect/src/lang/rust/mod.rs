//! Rust, by its tokens: what matters is what `build.rs` and procedural macros do when a crate is built, and there plain
//! names are enough. Paths are completed by `use`; values are followed by statement, variable by variable.

mod lex;

use std::collections::HashMap;

use self::lex::{Kind, Token};
use crate::behaviour::{Ability, Effect, Sources};
use crate::detector::Want;
use crate::lang::{Adapter, Callee, Fidelity, Import, Language, Unit, View, measure, places, shell};
use crate::report::ArchiveKind;
use crate::text;

/// Bytes of a file that are read. Generated bindings are larger, and do nothing.
const MOST: u64 = 2 << 20;
/// Units and effects kept of one file.
const KEPT: usize = 5000;

/// The code of crates.
pub(crate) static ADAPTER: Adapter = Adapter { wants, view };

fn wants(kind: ArchiveKind, path: &str) -> Want {
    let other = ["/tests/", "/benches/", "/examples/"].iter().any(|folder| path.contains(folder));
    if kind == ArchiveKind::Crate && path.ends_with(".rs") && !other { Want::UpTo(MOST) } else { Want::Nothing }
}

/// The view of one file.
pub(crate) fn view(path: &str, bytes: &[u8]) -> View {
    let text = measure::text(bytes);
    let tokens = lex::tokens(&text);
    let mut reader = Reader {
        source: &text,
        tokens: &tokens,
        names: HashMap::new(),
        variables: HashMap::new(),
        units: vec![Unit { line: 1, digest: measure::digest(&text), ..Unit::default() }],
        imports: Vec::new(),
        called: Vec::new(),
        open: Vec::new(),
        effects: 0,
    };
    reader.file();
    let Reader { units, imports, .. } = reader;
    View {
        path: path.to_owned(),
        language: Language::Rust,
        fidelity: Fidelity::Parsed,
        imports,
        units,
        literals: measure::literals(&text),
        shape: measure::shape(&text),
    }
}

struct Reader<'a> {
    source: &'a str,
    tokens: &'a [Token<'a>],
    /// What `use` says that a name stands for.
    names: HashMap<&'a str, String>,
    variables: HashMap<&'a str, Sources>,
    units: Vec<Unit>,
    imports: Vec<Import>,
    called: Vec<(usize, &'a str)>,
    /// Functions that are open: unit and depth of braces.
    open: Vec<(usize, u32)>,
    effects: usize,
}

impl<'a> Reader<'a> {
    fn is(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind != Kind::Text && token.text == text)
    }

    fn unit(&self) -> usize {
        self.open.last().map_or(0, |open| open.0)
    }

    fn file(&mut self) {
        let (mut at, mut depth) = (0, 0_u32);
        let mut statement = 0;
        while at < self.tokens.len() {
            let token = self.tokens[at];
            match (token.kind, token.text) {
                (Kind::Name, "use") => at = self.uses(at + 1),
                (Kind::Name, "mod") if self.is(at + 2, ";") => {
                    let unit = self.unit();
                    self.imports.push(Import { module: self.tokens[at + 1].text.to_owned(), line: token.line, unit });
                }
                (Kind::Name, "fn")
                    if self.tokens.get(at + 1).is_some_and(|next| next.kind == Kind::Name)
                        && self.units.len() < KEPT =>
                {
                    at = self.function(at, depth);
                    statement = at + 1;
                    if self.is(at, "{") {
                        depth += 1;
                    }
                }
                (Kind::Mark, "{") => {
                    self.statement(statement, at);
                    statement = at + 1;
                    depth += 1;
                }
                (Kind::Mark, "}") => {
                    self.statement(statement, at);
                    statement = at + 1;
                    depth = depth.saturating_sub(1);
                    if self.open.last().is_some_and(|open| open.1 >= depth) {
                        self.open.pop();
                        self.variables.clear();
                    }
                }
                (Kind::Mark, ";") => {
                    self.statement(statement, at);
                    statement = at + 1;
                }
                _ => {}
            }
            at += 1;
        }
        self.statement(statement, self.tokens.len());
        let by_name: HashMap<String, usize> =
            self.units.iter().enumerate().map(|(at, unit)| (unit.name.clone(), at)).collect();
        for (unit, name) in std::mem::take(&mut self.called) {
            if let Some(&callee) = by_name.get(name) {
                let callee = Callee::Local(callee);
                if !self.units[unit].calls.contains(&callee) {
                    self.units[unit].calls.push(callee);
                }
            }
        }
    }

    /// `use a::b::{c, d as e};`: which name stands for which path. Gives the index of its end.
    fn uses(&mut self, start: usize) -> usize {
        let mut stack: Vec<usize> = Vec::new();
        let (mut path, mut at): (Vec<&str>, usize) = (Vec::new(), start);
        while at < self.tokens.len() && !self.is(at, ";") {
            let token = self.tokens[at];
            match token.text {
                "{" => stack.push(path.len()),
                "," | "}" => {
                    self.used(&path);
                    let keep = stack.last().copied().unwrap_or(0);
                    path.truncate(keep);
                    if token.text == "}" {
                        stack.pop();
                        path.clear();
                        if let Some(&keep) = stack.last() {
                            path.truncate(keep);
                        }
                    }
                }
                "as" => {
                    if let Some(alias) = self.tokens.get(at + 1) {
                        self.names.insert(alias.text, path.join("::"));
                    }
                    at += 1;
                }
                _ if token.kind == Kind::Name && path.len() < 20 => path.push(token.text),
                _ => {}
            }
            at += 1;
        }
        self.used(&path);
        at
    }

    fn used(&mut self, path: &[&'a str]) {
        if let Some(last) = path.last()
            && self.names.len() < KEPT
        {
            let last = if *last == "self" { path.get(path.len().wrapping_sub(2)).unwrap_or(last) } else { last };
            self.names.entry(last).or_insert_with(|| path.join("::").trim_end_matches("::self").to_owned());
        }
    }

    /// Opens the unit of a function; gives the index of its brace or of the semicolon of a signature.
    fn function(&mut self, at: usize, depth: u32) -> usize {
        let name = self.tokens[at + 1].text.to_owned();
        let mut end = at + 2;
        while end < self.tokens.len() && !self.is(end, "{") && !self.is(end, ";") {
            end += 1;
        }
        if self.is(end, "{") {
            let body = &self.source[self.tokens[at].start..];
            let line = self.tokens[at].line;
            let close = body.char_indices().take(2000).last().map_or(0, |(at, _)| at);
            self.units.push(Unit { name, line, digest: measure::digest(&body[..close]), ..Unit::default() });
            self.open.push((self.units.len() - 1, depth));
        }
        end
    }

    /// The full path of the call whose last name is at this index.
    fn path(&self, at: usize) -> String {
        let mut first = at;
        while first >= 2 && self.is(first - 1, "::") && self.tokens[first - 2].kind == Kind::Name {
            first -= 2;
        }
        let mut names: Vec<String> =
            (first..=at).step_by(2).take(12).map(|at| self.tokens[at].text.to_owned()).collect();
        if let Some(full) = names.first().and_then(|name| self.names.get(name.as_str())) {
            names[0].clone_from(full);
        }
        names.join("::")
    }

    /// One statement: what it calls, with everything that flows into it.
    fn statement(&mut self, from: usize, to: usize) {
        if from >= to || self.effects > KEPT {
            return;
        }
        let tokens = &self.tokens[from..to];
        let mut flow = Sources::NONE;
        let mut texts: Vec<&str> = Vec::new();
        for token in tokens {
            match token.kind {
                Kind::Text => texts.push(token.text),
                Kind::Name => flow = flow.with(self.variables.get(token.text).copied().unwrap_or_default()),
                _ => {}
            }
        }
        // `format!("{name}")` takes a variable by its name.
        for text in texts.iter().filter(|text| text.contains('{')) {
            for piece in text.split('{').skip(1) {
                let name: &str = piece.split([':', '}']).next().unwrap_or_default();
                flow = flow.with(self.variables.get(name).copied().unwrap_or_default());
            }
        }
        let mut found: Vec<(Ability, usize, String)> = Vec::new();
        for at in from..to {
            let token = self.tokens[at];
            let calls = self.is(at + 1, "(") || self.is(at + 1, "!") || self.is(at + 1, "::") && self.is(at + 2, "<");
            if token.kind != Kind::Name || !calls {
                continue;
            }
            let method = at > 0 && self.is(at - 1, ".");
            let path = if method { format!(".{}", token.text) } else { self.path(at) };
            if !method && self.called.len() < KEPT * 4 {
                self.called.push((self.unit(), token.text));
            }
            flow = flow.with(judge(&path, &texts, &mut |ability, detail| found.push((ability, at, detail))));
        }
        let words = texts.join(" ");
        for (ability, at, detail) in found {
            let line = self.tokens[at].line;
            match ability {
                Ability::Spawn => {
                    self.effect(ability, flow, at, &words);
                    let effects = shell::effects(&words, line);
                    let unit = self.unit();
                    self.effects += effects.len();
                    self.units[unit]
                        .effects
                        .extend(effects.into_iter().map(|effect| Effect { from: effect.from.with(flow), ..effect }));
                }
                Ability::Download if private(flow) => self.effect(Ability::Network, flow, at, &detail),
                // What is written to a connection leaves; to anything else it stays.
                Ability::WriteFile if detail == "stream" => {
                    if flow.any(Sources::NETWORK) && private(flow) {
                        self.effect(Ability::Network, flow, at, "");
                    }
                }
                _ => self.effect(ability, flow, at, &detail),
            }
        }
        self.bind(from, to, flow);
    }

    /// What the statement gives values to: `let`, the pattern of a `for`, the parameters of a closure, `=`, and what is written into.
    fn bind(&mut self, from: usize, to: usize, flow: Sources) {
        let tokens = &self.tokens[from..to];
        let word = |token: &Token, text: &str| token.kind != Kind::Text && token.text == text;
        let after = |text: &str| tokens.iter().position(|token| word(token, text));
        let mut names: Vec<&'a str> = Vec::new();
        // Types and variants begin with a capital, variables do not.
        let mut pattern = |start: usize, ends: &[&str]| {
            let all = tokens[start..].iter().take_while(|token| !ends.iter().any(|end| word(token, end)));
            names.extend(all.take(60).filter(|token| is_variable(token)).map(|token| token.text));
        };
        let lets = after("let");
        if let Some(at) = lets {
            pattern(at + 1, &["=", ":"]);
        }
        if let Some(at) = after("for").filter(|_| after("in").is_some()) {
            pattern(at + 1, &["in"]);
        }
        for (at, pair) in tokens.windows(2).enumerate() {
            let opens = word(&pair[0], "(") || word(&pair[0], ",") || word(&pair[0], "move");
            if opens && word(&pair[1], "|") {
                pattern(at + 2, &["|"]);
            }
        }
        if let Some(at) = tokens.windows(2).position(|pair| {
            matches!(pair[0].text, "write" | "writeln") && pair[0].kind == Kind::Name && word(&pair[1], "!")
        }) {
            // `writeln!(all, "{secret}")`: the whole holds its parts.
            pattern(at + 3, &[",", ".", "("]);
        }
        if !flow.is_empty() && !names.is_empty() {
            for name in names {
                self.variables.insert(name, flow);
            }
        }
        if lets.is_some() && !flow.is_empty() {
            return;
        }
        if let [name, equals, ..] = tokens
            && equals.text == "="
        {
            self.variables.insert(name.text, flow);
        } else if let [name, dot, ..] = tokens
            && dot.text == "."
            && name.kind == Kind::Name
            && !flow.is_empty()
        {
            // `all.push(secret)`: the whole holds its parts.
            self.variables.insert(name.text, flow);
        }
    }

    fn effect(&mut self, ability: Ability, from: Sources, at: usize, detail: &str) {
        self.effects += 1;
        let token = self.tokens[at];
        let rest = &self.source.as_bytes()[token.start..];
        let end = rest.iter().take(300).position(|&b| b == b'\n').unwrap_or(rest.len().min(300));
        let unit = self.unit();
        self.units[unit].effects.push(Effect {
            ability,
            from,
            line: token.line,
            detail: (!detail.is_empty()).then(|| text::excerpt(detail.as_bytes(), 200)),
            excerpt: text::excerpt(&rest[..end], 200),
        });
    }
}

/// Whether the token can be the name of a variable.
fn is_variable(token: &Token) -> bool {
    token.kind == Kind::Name
        && !matches!(token.text, "mut" | "ref" | "_")
        && token.text.starts_with(|c: char| c.is_lowercase() || c == '_')
}

fn private(flow: Sources) -> bool {
    flow.any(Sources::ENVIRONMENT.with(Sources::CREDENTIAL).with(Sources::SYSTEM).with(Sources::PRIVATE))
}

/// What a call does by its path; the answer is what it gives.
fn judge(path: &str, texts: &[&str], found: &mut dyn FnMut(Ability, String)) -> Sources {
    let ends = |names: &[&str]| names.iter().any(|name| path == *name || path.ends_with(&format!("::{name}")));
    let starts = |names: &[&str]| names.iter().any(|name| path.starts_with(name));
    let place = texts.iter().find(|text| places::credential(text));
    let first = texts.first().copied().unwrap_or_default().to_owned();
    if ends(&["process::Command::new", "Command::new"]) {
        found(Ability::Spawn, String::new());
        return Sources::NONE;
    }
    if starts(&["reqwest::", "ureq::", "curl::", "isahc::", "attohttpc::", "minreq::", "hyper::", "surf::"])
        && !path.ends_with("Error")
    {
        let url = texts.iter().find(|text| text.contains("://") || text.contains('.')).copied().unwrap_or_default();
        found(if url.is_empty() { Ability::Network } else { Ability::Download }, url.to_owned());
        return Sources::NETWORK;
    }
    // A connection is no download, whatever is known of where it leads: it takes what it is given.
    if ends(&[
        "TcpStream::connect",
        "TcpStream::connect_timeout",
        "UdpSocket::bind",
        "UdpSocket::connect",
        "UnixStream::connect",
    ]) {
        let address = texts.iter().find(|text| text.contains([':', '.'])).copied().unwrap_or_default();
        found(Ability::Network, address.to_owned());
        return Sources::NETWORK;
    }
    if matches!(
        path,
        ".write_all"
            | ".write"
            | ".send"
            | ".send_to"
            | ".send_json"
            | ".send_string"
            | ".body"
            | ".json"
            | ".send_bytes"
            | ".write_fmt"
            | "write"
            | "writeln"
            | "write_all"
    ) || ends(&["Write::write_all", "Write::write", "Write::write_fmt", "io::copy"])
    {
        found(Ability::WriteFile, String::from("stream"));
        return Sources::NONE;
    }
    if ends(&["TcpListener::bind"]) {
        found(Ability::Listen, first);
    } else if ends(&["env::vars", "env::vars_os"]) {
        found(Ability::ReadEnvironment, String::new());
        return Sources::ENVIRONMENT;
    } else if ends(&["env::var", "env::var_os"]) {
        if shell::command::secret_variable(&first) {
            found(Ability::ReadVariable, first);
        }
    } else if ends(&["fs::read", "fs::read_to_string", "File::open", "fs::read_dir"])
        || path == ".join"
        || path == ".read_to_string"
    {
        if let Some(place) = place {
            found(Ability::ReadCredential, (*place).to_owned());
            return Sources::CREDENTIAL;
        }
    } else if ends(&["fs::write", "File::create", "fs::copy", "fs::rename", "OpenOptions::new"]) {
        let agent = texts.iter().find(|text| places::agent_config(text));
        let start = texts.iter().find(|text| places::persistent(text));
        match (agent, start) {
            (Some(path), _) => found(Ability::AgentConfig, (*path).to_owned()),
            (_, Some(path)) => found(Ability::Persist, (*path).to_owned()),
            _ => found(Ability::WriteFile, first),
        }
    } else if ends(&["fs::remove_dir_all"]) {
        let home = texts.iter().any(|text| places::home(text)) && !texts.is_empty();
        found(Ability::DeleteFile, if home { "home".to_owned() } else { first });
    } else if ends(&["home_dir", "home::home_dir", "dirs::home_dir"]) {
        return Sources::NONE;
    } else if ends(&["gethostname", "hostname::get", "whoami::username", "whoami::hostname", "whoami::devicename"]) {
        found(Ability::SystemInfo, path.to_owned());
        return Sources::SYSTEM;
    } else if path == ".decode" || ends(&["base64::decode", "hex::decode", "base64::engine::Engine::decode"]) {
        found(Ability::Decode, String::new());
        return Sources::DECODED;
    } else if ends(&["include_bytes"]) {
        return Sources::OWN_FILE;
    } else if ends(&["Library::new", "libloading::Library::new"]) {
        found(Ability::LoadNative, first);
    } else if ends(&["Permissions::from_mode"]) {
        found(Ability::MakeExecutable, String::new());
    }
    Sources::NONE
}

#[cfg(test)]
mod tests;
