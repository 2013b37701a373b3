//! What one command does, by its name and words.

use super::posix::{Command, Shell, Word};
use super::power::last;
use super::{Dialect, spell};
use crate::behaviour::{Ability, Sources};
use crate::lang::{measure, places};

/// The program's name without folder and `.exe`, lower case.
pub(super) fn base_name(word: &str) -> String {
    let name = last(word);
    [".exe", ".cmd", ".com"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name).to_owned()
}

/// Whether a variable's name says that it holds a credential.
pub(crate) fn secret_variable(name: &str) -> bool {
    const ENDS: &[&str] = &[
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "API_KEY",
        "APIKEY",
        "ACCESS_KEY",
        "PRIVATE_KEY",
        "SECRET_KEY",
        "CREDENTIALS",
    ];
    let name = name.to_ascii_uppercase();
    ENDS.iter().any(|end| name.ends_with(end)) || name == "AWS_ACCESS_KEY_ID"
}

/// A variable that was set and means something by itself.
pub(super) fn assigned(shell: &mut Shell, name: &str, value: &str, line: u32) {
    if matches!(
        (name, value),
        ("NODE_TLS_REJECT_UNAUTHORIZED", "0") | ("PYTHONHTTPSVERIFY", "0") | ("GIT_SSL_NO_VERIFY", _)
    ) {
        shell.effect(Ability::Disarm, Sources::NONE, line, name, &format!("{name}={value}"));
    }
}

/// Programs that take text and run it.
fn interpreter(program: &str) -> bool {
    let program = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    matches!(
        program,
        "sh" | "bash"
            | "zsh"
            | "dash"
            | "ash"
            | "ksh"
            | "fish"
            | "python"
            | "node"
            | "perl"
            | "ruby"
            | "php"
            | "bun"
            | "deno"
            | "powershell"
            | "pwsh"
            | "osascript"
            | "lua"
    )
}

/// What the command does goes into the shell's effects; the answer is what it prints: from where, and the text if known.
pub(super) fn judge(shell: &mut Shell, command: &Command, dialect: Dialect, depth: u32) -> (Sources, Option<String>) {
    let mut judged = Judged::new(shell, command, dialect, depth);
    judged.words();
    judged.redirects();
    judged.program();
    (judged.printed, judged.text)
}

/// One command under judgement.
pub(super) struct Judged<'a> {
    pub(super) shell: &'a mut Shell,
    pub(super) command: &'a Command,
    pub(super) words: Vec<Word>,
    pub(super) program: String,
    pub(super) dialect: Dialect,
    depth: u32,
    pub(super) shown: String,
    /// What flows in, over the pipe and in words.
    pub(super) flow: Sources,
    pub(super) printed: Sources,
    text: Option<String>,
}

impl<'a> Judged<'a> {
    fn new(shell: &'a mut Shell, command: &'a Command, dialect: Dialect, depth: u32) -> Self {
        let mut words: &[Word] = &command.words;
        // What only says how the real command is started.
        while let Some(first) = words.first() {
            let name = base_name(&first.text);
            match name.as_str() {
                "nohup" | "time" | "exec" | "command" | "setsid" | "builtin" | "xargs" | "then" | "do" | "else"
                | "if" | "while" | "!" | "nice" => {
                    words = &words[1..];
                }
                "sudo" | "doas" => {
                    shell.effect(Ability::Escalate, Sources::NONE, command.line, &name, &command.shown());
                    words = &words[1..];
                }
                "env" | "timeout" | "start" | "cross-env" if words.len() > 1 => {
                    words = &words[1..];
                    while words.first().is_some_and(|word| {
                        word.text.contains('=')
                            || word.text.starts_with(['-', '/']) && word.text.len() < 4
                            || word.text.starts_with(|c: char| c.is_ascii_digit())
                    }) {
                        words = &words[1..];
                    }
                    continue;
                }
                _ => break,
            }
            while words.first().is_some_and(|word| word.text.starts_with('-')) {
                words = &words[1..];
            }
        }
        let program = words.first().map(|word| base_name(word.text.trim_start_matches('@'))).unwrap_or_default();
        let flow = words.iter().fold(command.input.unwrap_or_default(), |flow, word| flow.with(word.from));
        Self {
            shell,
            command,
            words: words.to_vec(),
            program,
            dialect,
            depth,
            shown: command.shown(),
            flow,
            printed: command.input.unwrap_or_default(),
            text: None,
        }
    }

    pub(super) fn effect(&mut self, ability: Ability, from: Sources, detail: &str) {
        self.shell.effect(ability, from, self.command.line, detail, &self.shown);
    }

    pub(super) fn args(&self) -> impl Iterator<Item = &str> {
        self.words.iter().skip(1).map(|word| word.text.as_str())
    }

    pub(super) fn has(&self, any: &[&str]) -> bool {
        self.args().any(|arg| any.contains(&arg))
    }

    fn after(&self, flags: &[&str]) -> Option<&Word> {
        let at = self.words.iter().position(|word| flags.contains(&word.text.as_str()))?;
        self.words.get(at + 1)
    }

    pub(super) fn url(&self) -> Option<String> {
        self.args().find(|arg| measure::host(arg).is_some()).map(str::to_owned)
    }

    /// What any word says, whatever the program does with it.
    fn words(&mut self) {
        for word in self.words.clone() {
            let text = word.text.as_str();
            if let Some((_, address)) = text.split_once("/dev/tcp/").or_else(|| text.split_once("/dev/udp/")) {
                self.effect(Ability::Network, Sources::NONE, address);
                self.effect(Ability::Shell, Sources::NETWORK, "reverse shell");
                self.flow = self.flow.with(Sources::NETWORK);
            }
            let making = matches!(
                self.program.as_str(),
                "mkdir"
                    | "chmod"
                    | "chown"
                    | "ssh-keygen"
                    | "touch"
                    | "export"
                    | "ssh-add"
                    | "echo"
                    | "printf"
                    | "ssh"
                    | "test"
                    | "["
            );
            if places::credential(text) && !making {
                self.effect(Ability::ReadCredential, Sources::NONE, text);
                self.flow = self.flow.with(Sources::CREDENTIAL);
            }
            if places::browser(text) {
                self.effect(Ability::ReadBrowser, Sources::NONE, text);
                self.flow = self.flow.with(Sources::PRIVATE);
            }
            if places::wallet(text) {
                self.effect(Ability::Wallet, Sources::NONE, text);
                self.flow = self.flow.with(Sources::PRIVATE);
            }
            if text.contains("/proc/")
                && (text.ends_with("/mem") || text.ends_with("/environ") && !text.contains("self"))
            {
                self.effect(Ability::ReadMemory, Sources::NONE, text);
                self.flow = self.flow.with(Sources::CREDENTIAL);
            }
            if text.contains("stratum+tcp://") || text.contains("stratum+ssl://") {
                self.effect(Ability::Mine, Sources::NONE, text);
            }
        }
    }

    fn redirects(&mut self) {
        for (operator, target) in &self.command.redirects {
            let path = target.text.as_str();
            let writes = operator.contains('>');
            if path.contains("/dev/tcp/") || path.contains("/dev/udp/") {
                let address = path.split("/dev/").nth(1).unwrap_or_default().get(4..).unwrap_or_default();
                self.effect(Ability::Network, self.flow, address);
                let shell_starts = interpreter(&self.program) || self.program.is_empty();
                if shell_starts {
                    self.effect(Ability::Shell, Sources::NETWORK, "reverse shell");
                }
                self.flow = self.flow.with(Sources::NETWORK);
            } else if writes && path != "/dev/null" {
                self.writes(path, self.flow);
            } else if !writes && places::credential(path) {
                self.effect(Ability::ReadCredential, Sources::NONE, path);
                self.flow = self.flow.with(Sources::CREDENTIAL);
            }
        }
    }

    pub(super) fn writes(&mut self, path: &str, from: Sources) {
        if places::persistent(path) {
            self.effect(Ability::Persist, from, path);
        }
        if places::agent_config(path) {
            self.effect(Ability::AgentConfig, from, path);
        }
        // What the command prints is only known once it was judged; a download that prints is told apart by its name.
        let downloads = matches!(self.program.as_str(), "curl" | "wget" | "fetch");
        let from = if downloads { from.with(Sources::NETWORK) } else { from };
        if self.shell.written.len() < 1000 {
            self.shell.written.insert(last(path), from);
        }
    }

    fn program(&mut self) {
        let program = self.program.clone();
        let line = self.command.line;
        match program.as_str() {
            "" => {}
            "echo" | "printf" => {
                self.text = Some(self.args().filter(|arg| !arg.starts_with("-")).collect::<Vec<_>>().join(" "));
                self.printed = self.flow.with(Sources::LITERAL);
            }
            "eval" | "source" | "." => {
                let text = self.args().collect::<Vec<_>>().join(" ");
                let from = self.flow;
                if from.any(Sources::NETWORK.with(Sources::DECODED)) {
                    self.effect(Ability::Execute, from, "eval");
                }
                self.written_file(&program);
                if program == "eval" {
                    self.printed = self.shell.script(self.dialect, &text, line, self.depth + 1, Sources::NONE);
                }
            }
            "curl" | "wget" | "aria2c" | "fetch" | "http" | "httpie" => self.downloads(),
            "base64" | "openssl" | "xxd" | "gunzip" | "zcat" | "gzip" | "gpg" | "base32" | "uudecode" => self.decodes(),
            "env" | "printenv" | "set" | "export" if self.words.len() == 1 || self.has(&["-p"]) => {
                self.effect(Ability::ReadEnvironment, Sources::NONE, "");
                self.printed = self.printed.with(Sources::ENVIRONMENT);
            }
            "whoami" | "hostname" | "uname" | "id" | "ifconfig" | "ipconfig" | "systeminfo" | "ip" => {
                self.effect(Ability::SystemInfo, Sources::NONE, &program);
                self.printed = self.printed.with(Sources::SYSTEM);
            }
            "nc" | "ncat" | "netcat" | "socat" | "telnet" => {
                let detail = self.args().find(|arg| arg.contains('.')).unwrap_or_default().to_owned();
                self.effect(Ability::Network, self.flow, &detail);
                if self.has(&["-e", "-c", "--exec", "--sh-exec"])
                    || self.args().any(|arg| arg.to_ascii_lowercase().starts_with("exec:"))
                {
                    self.effect(Ability::Shell, Sources::NETWORK, "reverse shell");
                }
                if self.has(&["-l", "-lvp", "-lp", "-lvnp"]) {
                    self.effect(Ability::Listen, Sources::NONE, &detail);
                }
                self.printed = self.printed.with(Sources::NETWORK);
            }
            "nslookup" | "dig" | "host" if !self.flow.is_empty() => self.effect(Ability::Dns, self.flow, ""),
            "cmd" => {
                let at = self
                    .words
                    .iter()
                    .position(|word| matches!(word.text.to_ascii_lowercase().as_str(), "/c" | "/k" | "/r"));
                if let Some(at) = at {
                    let text = self.rest(at + 1);
                    self.printed = self.shell.script(Dialect::Cmd, &text, line, self.depth + 1, Sources::NONE);
                }
            }
            "iex" | "invoke-expression" => {
                let from = self.flow;
                self.effect(Ability::Execute, from, "Invoke-Expression");
            }
            "powershell" | "pwsh" => self.powershell(),
            _ if interpreter(&program) => self.interprets(),
            _ => self.other(&program),
        }
        self.agents(&program);
    }

    pub(super) fn rest(&self, from: usize) -> String {
        self.words.iter().skip(from).map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ")
    }

    fn downloads(&mut self) {
        const SENDS: &[&str] = &[
            "-d",
            "--data",
            "--data-binary",
            "--data-raw",
            "--data-urlencode",
            "-F",
            "--form",
            "-T",
            "--upload-file",
            "--post-data",
            "--post-file",
            "--json",
        ];
        let url = self
            .url()
            .or_else(|| self.args().find(|arg| !arg.starts_with('-') && arg.contains('.')).map(str::to_owned))
            .unwrap_or_default();
        let sends = self
            .args()
            .any(|arg| SENDS.iter().any(|flag| arg == *flag || flag.len() > 2 && arg.starts_with(&format!("{flag}="))));
        if self.has(&["-k", "--insecure", "--no-check-certificate"]) {
            self.effect(Ability::Disarm, Sources::NONE, "certificate check");
        }
        if sends || !self.flow.without(Sources::LITERAL.with(Sources::BUILT)).is_empty() {
            self.effect(Ability::Network, self.flow, &url);
        } else {
            self.effect(Ability::Download, Sources::NONE, &url);
        }
        let out = self.after(&["-o", "--output", "-O", "--output-document"]).map(|word| word.text.clone());
        // `wget URL` and `curl -O URL` write the last component of the URL.
        let named = self.program == "wget" && out.is_none()
            || self.program == "curl"
                && self.args().any(|arg| arg.starts_with('-') && !arg.starts_with("--") && arg.contains('O'));
        let glued = self.args().find(|arg| {
            arg.starts_with("-o") && arg.len() > 2
                || arg.ends_with("O-")
                || arg.starts_with('-') && !arg.starts_with("--") && arg.ends_with('o')
        });
        let stdout = glued.is_some_and(|arg| arg.ends_with('-')) || out.as_deref() == Some("-");
        let file = match (out, glued) {
            (Some(out), _) if self.program != "curl" || out != url => Some(out),
            (_, Some(flag)) if flag.ends_with('o') => self.after(&[flag]).map(|word| word.text.clone()),
            _ if named => Some(url.clone()),
            _ => None,
        };
        if let Some(file) = file.filter(|_| !stdout) {
            self.writes(&file, Sources::NETWORK);
        }
        self.printed = Sources::NETWORK;
    }

    fn decodes(&mut self) {
        let decodes = match self.program.as_str() {
            "base64" | "base32" | "gpg" | "gzip" => {
                self.has(&["-d", "-D", "--decode", "-di", "--decrypt", "-dc", "-id"])
            }
            "openssl" => self.has(&["-d", "-decrypt"]),
            "xxd" => self.args().any(|arg| arg.starts_with("-r")),
            _ => true,
        };
        if decodes {
            let ability =
                if matches!(self.program.as_str(), "openssl" | "gpg") { Ability::Decrypt } else { Ability::Decode };
            self.effect(ability, self.flow, &self.program.clone());
            self.printed = self.flow.with(Sources::DECODED);
            let text = self.command.input_text.as_deref().unwrap_or_default();
            self.text = match self.program.as_str() {
                "base64" => spell::plain(text),
                "xxd" => spell::hex(text),
                _ => None,
            };
        } else {
            self.printed = self.flow;
        }
    }

    fn powershell(&mut self) {
        let line = self.command.line;
        let mut at = 1;
        while let Some(word) = self.words.get(at) {
            let flag = word.text.to_ascii_lowercase();
            let Some(flag) = flag.strip_prefix(['-', '/']).filter(|flag| !flag.is_empty()) else { break };
            let next = self.words.get(at + 1).map(|word| word.text.clone()).unwrap_or_default();
            if "encodedcommand".starts_with(flag) && !flag.starts_with("ep") || flag == "ec" {
                self.effect(Ability::Decode, Sources::LITERAL, "powershell -enc");
                self.effect(Ability::Shell, Sources::DECODED, "powershell -enc");
                if let Some(text) = spell::powershell(&next) {
                    self.shell.script(Dialect::Power, &text, line, self.depth + 1, Sources::DECODED);
                }
                at += 2;
            } else if "command".starts_with(flag) {
                at += 1;
                break;
            } else if "windowstyle".starts_with(flag) {
                if "hidden".starts_with(&next.to_ascii_lowercase()) {
                    self.effect(Ability::Disarm, Sources::NONE, "hidden window");
                }
                at += 2;
            } else if "file".starts_with(flag) {
                if let Some(from) = self.shell.written.get(&last(&next)).copied() {
                    self.effect(Ability::Spawn, from.with(Sources::WRITTEN), &next);
                }
                at += 2;
            } else if "executionpolicy".starts_with(flag)
                || flag == "ep"
                || "inputformat".starts_with(flag)
                || "version".starts_with(flag)
            {
                at += 2;
            } else {
                at += 1;
            }
        }
        let text = self.rest(at);
        if text.trim() == "-" || text.is_empty() {
            self.stdin();
        } else {
            let from = self.command.input.unwrap_or_default().without(Sources::LITERAL);
            self.printed = self.shell.script(Dialect::Power, &text, line, self.depth + 1, from);
        }
    }

    /// A shell or another interpreter: with a text, a file, or what flows in.
    fn interprets(&mut self) {
        let line = self.command.line;
        let shell = matches!(self.program.as_str(), "sh" | "bash" | "zsh" | "dash" | "ash" | "ksh" | "fish");
        let flag = self.words.iter().skip(1).position(|word| {
            let text = word.text.as_str();
            if shell {
                text.starts_with('-') && !text.starts_with("--") && text.ends_with('c')
            } else {
                matches!(text, "-c" | "-e" | "--eval" | "-r" | "-p")
            }
        });
        if let Some(at) = flag {
            let text = self.words.get(at + 2).cloned().unwrap_or_default();
            if text.from.any(Sources::NETWORK.with(Sources::DECODED)) {
                self.effect(Ability::Shell, text.from, &self.program.clone());
            }
            if shell {
                self.printed = self.shell.script(Dialect::Posix, &text.text, line, self.depth + 1, Sources::NONE);
            } else {
                self.effect(Ability::Execute, text.from.with(Sources::LITERAL), &text.text);
                if self.shell.inline.len() < 20 {
                    self.shell.inline.push((self.program.clone(), text.text, line));
                }
            }
            return;
        }
        let file = self.words.iter().skip(1).find(|word| !word.text.starts_with('-') && word.text != "run").cloned();
        match file {
            Some(word) if word.from.any(Sources::NETWORK.with(Sources::DECODED)) => {
                self.effect(Ability::Shell, word.from, &self.program.clone());
            }
            Some(_) => self.written_file(&self.program.clone()),
            None => self.stdin(),
        }
    }

    /// The interpreter reads its program from what flows in.
    fn stdin(&mut self) {
        let Some(from) = self.command.input else { return };
        if from.any(Sources::NETWORK.with(Sources::DECODED).with(Sources::CREDENTIAL)) {
            self.effect(Ability::Shell, from, &self.program.clone());
        }
        if let Some(text) = self.command.input_text.clone() {
            let dialect =
                if matches!(self.program.as_str(), "powershell" | "pwsh") { Dialect::Power } else { Dialect::Posix };
            let through = from.without(Sources::LITERAL);
            self.shell.script(dialect, &text, self.command.line, self.depth + 1, through);
        }
    }

    /// A file that was written before is started.
    pub(super) fn written_file(&mut self, program: &str) {
        let found = self.words.iter().find_map(|word| {
            let from = self.shell.written.get(&last(&word.text))?;
            Some((word.text.clone(), *from))
        });
        if let Some((file, from)) = found {
            self.effect(Ability::Spawn, from.with(Sources::WRITTEN), &format!("{program} {file}"));
        }
    }
}
