//! Calls that open, read, write and copy files.

use std::rc::Rc;

use super::builtins::Called;
use super::eval::{Eval, Source};
use super::value::{Arg, HOLE, Kind, Val};
use crate::behaviour::{Ability, Sources};
use crate::lang::places;

impl Eval {
    /// `None` where the call is of another kind.
    pub(super) fn file_call(
        &mut self,
        source: &Rc<Source>,
        offset: u32,
        called: &Called<'_>,
        given: Sources,
    ) -> Option<Val> {
        let args = called.args;
        let path = &*called.path;
        if called.made || called.noun.is_some() {
            return self.file_method(source, offset, called, given);
        }
        match path {
            "open" | "io.open" | "codecs.open" | "os.fdopen" | "gzip.open" | "aiofiles.open" | "file" | "os.open" => {
                let target = self.arg(args, 0, &["file", "filename", "path"])?.clone();
                let mode = self
                    .arg(args, 1, &["mode"])
                    .and_then(|arg| arg.value.as_str().map(str::to_owned))
                    .unwrap_or_default();
                let writes = mode.contains(['w', 'a', 'x', '+']);
                let holds = if writes {
                    self.wrote(source, offset, &target, Sources::NONE);
                    Sources::WRITTEN
                } else {
                    self.read(source, offset, &target.value)
                };
                Some(Val::new(
                    Kind::Made("open".into(), target.value.noun()),
                    target.value.from.without(Sources::LITERAL.with(Sources::WRITTEN)).with(holds),
                ))
            }
            "tempfile.NamedTemporaryFile" | "tempfile.mkstemp" | "tempfile.TemporaryFile" | "tempfile.mktemp" => {
                // What is started from it later is what was written into it.
                Some(Val::new(
                    Kind::Made("open".into(), Some("/tmp/\u{fffc}".into())),
                    Sources::FILE.with(Sources::WRITTEN),
                ))
            }
            "shutil.copy" | "shutil.copyfile" | "shutil.copy2" | "shutil.move" | "os.rename" | "os.replace"
            | "shutil.copytree" | "os.symlink" | "os.link" => {
                let from = args.first()?.value.clone();
                let holds = self.read(source, offset, &from);
                let target = args.get(1)?.clone();
                self.wrote(source, offset, &target, from.from.with(holds));
                Some(Val::unknown(holds))
            }
            "os.listdir"
            | "os.scandir"
            | "os.walk"
            | "glob.glob"
            | "glob.iglob"
            | "os.path.exists"
            | "os.path.isfile"
            | "os.path.isdir"
            | "sqlite3.connect"
            | "os.path.getsize"
            | "configparser.ConfigParser.read"
            | "linecache.getline" => {
                let value = args.first()?.value.clone();
                let place = value.noun().and_then(|noun| places::place(&noun));
                if let Some(ability) = place.and_then(|place| place.read) {
                    self.effect(source, offset, ability, value.from, value.noun().as_deref());
                }
                let mut holds = place.map_or(Sources::NONE, |place| place.holds);
                // Whatever lies in somebody's home is theirs.
                let lists = matches!(path, "os.listdir" | "os.scandir" | "os.walk" | "glob.glob" | "glob.iglob");
                if lists && value.noun().is_some_and(|noun| !noun.is_empty() && places::home(&noun)) {
                    holds = holds.with(Sources::PRIVATE);
                    self.effect(source, offset, Ability::ReadFile, Sources::PRIVATE, value.noun().as_deref());
                }
                Some(Val::new(
                    Kind::Made(Rc::clone(&called.path), value.noun()),
                    value.from.without(Sources::LITERAL).with(holds),
                ))
            }
            "os.makedirs" | "os.mkdir" => Some(Val::unknown(Sources::NONE)),
            "os.write" => {
                self.effect(source, offset, Ability::WriteFile, given, None);
                Some(Val::unknown(Sources::NONE))
            }
            "os.dup2" => {
                if given.any(Sources::NETWORK) || args.first().is_some_and(|arg| is_socket(&arg.value)) {
                    self.effect(source, offset, Ability::Shell, Sources::NETWORK, Some("dup2 of a socket"));
                }
                Some(Val::unknown(Sources::NONE))
            }
            _ => None,
        }
    }

    fn file_method(&mut self, source: &Rc<Source>, offset: u32, called: &Called<'_>, given: Sources) -> Option<Val> {
        let (object, method) = called.path.rsplit_once('.')?;
        let noun = called.noun.as_deref().unwrap_or_default();
        let opened = object == "open" || object.starts_with("open.");
        match method {
            "write" | "writelines" if opened => {
                self.effect(source, offset, Ability::WriteFile, given.with(called.from), Some(noun));
                self.content(noun, args_text(called.args));
                if let Some(place) = places::place(noun)
                    && let Some(ability) = place.write
                {
                    self.effect(source, offset, ability, given, Some(noun));
                }
                Some(Val::unknown(Sources::NONE))
            }
            "read" | "readlines" | "readline" | "read_text" | "read_bytes"
                if opened || object.starts_with("pathlib") =>
            {
                let value = Val::new(Kind::Str(noun.into()), called.from);
                let holds = self.read(source, offset, &value);
                let noun = holds.any(Sources::OWN_FILE).then(|| called.noun.clone()).flatten();
                Some(Val::new(Kind::Made(Rc::clone(&called.path), noun), called.from.with(holds)))
            }
            "recv" | "makefile" if object.starts_with("socket") => Some(Val::unknown(Sources::NETWORK)),
            _ => None,
        }
    }

    /// Methods of a path that is known as text: `Path("x").write_text(...)`.
    pub(super) fn path_method(
        &mut self,
        source: &Source,
        offset: u32,
        object: &Val,
        name: &str,
        args: &[Arg],
    ) -> Option<Val> {
        object.as_str()?;
        let given = args.iter().fold(Sources::NONE, |from, arg| from.with(arg.value.from));
        let target = Arg { name: None, value: object.clone(), variable: None };
        match name {
            "write_text" | "write_bytes" | "symlink_to" => {
                self.wrote(source, offset, &target, given);
                if let Some(path) = object.as_str() {
                    self.content(path, args_text(args));
                }
                Some(Val::unknown(Sources::NONE))
            }
            "read_text" | "read_bytes" => {
                let holds = self.read(source, offset, object);
                Some(Val::new(Kind::Made("open.read".into(), None), object.from.without(Sources::LITERAL).with(holds)))
            }
            "open" => {
                let mode = args.first().and_then(|arg| arg.value.as_str()).unwrap_or_default();
                let holds = if mode.contains(['w', 'a', 'x', '+']) {
                    self.wrote(source, offset, &target, Sources::NONE);
                    Sources::NONE
                } else {
                    self.read(source, offset, object)
                };
                Some(Val::new(
                    Kind::Made("open".into(), object.noun()),
                    object.from.without(Sources::LITERAL).with(holds),
                ))
            }
            "chmod" => {
                self.effect(source, offset, Ability::MakeExecutable, object.from, object.as_str());
                Some(Val::unknown(Sources::NONE))
            }
            "unlink" | "rmdir" => {
                self.effect(source, offset, Ability::DeleteFile, object.from, object.as_str());
                Some(Val::unknown(Sources::NONE))
            }
            "exists" | "is_file" | "is_dir" | "iterdir" | "glob" | "rglob" => {
                let place = places::place(object.as_str()?);
                if let Some(ability) = place.and_then(|place| place.read) {
                    self.effect(source, offset, ability, object.from, object.as_str());
                }
                Some(Val::new(Kind::Unknown, object.from.without(Sources::LITERAL)))
            }
            "joinpath" => {
                let mut text = object.as_str()?.to_owned();
                for arg in args.iter().take(20) {
                    text.push('/');
                    text.push_str(&super::fold::show(&arg.value));
                }
                Some(Val::text(&text, object.from.with(given)))
            }
            "expanduser" | "resolve" | "absolute" | "as_posix" => Some(object.clone()),
            _ => None,
        }
    }

    /// Notes that a file is read, and gives what it holds.
    pub(super) fn read(&mut self, source: &Source, offset: u32, path: &Val) -> Sources {
        let noun = path.noun().unwrap_or_default();
        let place = places::place(&noun);
        let ability = place.and_then(|place| place.read).unwrap_or(Ability::ReadFile);
        self.effect(source, offset, ability, path.from, Some(&noun));
        let own = path.from.any(Sources::OWN_FILE)
            || (!noun.is_empty()
                && !noun.starts_with(['/', '~', HOLE])
                && !noun.contains(':')
                && path.constant_str().is_some());
        let file = if own { Sources::OWN_FILE.with(Sources::FILE) } else { Sources::FILE };
        file.with(place.map_or(Sources::NONE, |place| place.holds))
    }

    /// Remembers what is written into a file, in case it is started.
    fn content(&mut self, path: &str, text: Option<String>) {
        let Some(text) = text.filter(|text| text.len() <= CONTENT) else { return };
        if self.written.len() < 500 {
            let held = self.written.entry(path.into()).or_default();
            if held.len() + text.len() <= CONTENT {
                held.push_str(&text);
            }
        }
    }

    /// A file that this code wrote is started: what was written runs.
    pub(super) fn run_written(&mut self, source: &Source, offset: u32, command: &str) {
        let started = self.written.iter().find(|(path, text)| {
            !text.is_empty() && path.len() > 3 && path.chars().any(|c| c != HOLE) && command.contains(&***path)
        });
        let Some((path, text)) = started.map(|(path, text)| (Rc::clone(path), text.clone())) else { return };
        self.written.insert(Rc::clone(&path), String::new());
        let lower = path.to_ascii_lowercase();
        let script = [".bat", ".cmd", ".ps1", ".vbs", ".sh"].iter().any(|end| lower.ends_with(end));
        let python = !script
            && (lower.ends_with(".py")
                || lower.ends_with(".pyw")
                || command.contains("python")
                || text.starts_with("import ")
                || text.starts_with("from "));
        if python && !text.contains(HOLE) {
            let line = source.line(offset);
            self.run_text(&text, line);
        } else if !python {
            self.shell(source, offset, &text, Sources::NONE);
        }
    }

    /// Notes that a file is written, and remembers which.
    pub(super) fn wrote(&mut self, source: &Source, offset: u32, target: &Arg, from: Sources) {
        let noun = target.value.noun();
        self.effect(source, offset, Ability::WriteFile, from, noun.as_deref());
        if let Some(variable) = target.variable {
            self.taint_variable(variable, Sources::WRITTEN);
        }
        let Some(noun) = noun else { return };
        if let Some(ability) = places::place(&noun).and_then(|place| place.write) {
            self.effect(source, offset, ability, from, Some(&noun));
        }
        if self.written.len() < 500 {
            self.written.entry(noun).or_default();
        }
    }
}

/// Bytes of a written file that are remembered.
const CONTENT: usize = 256 << 10;

fn args_text(args: &[Arg]) -> Option<String> {
    match &args.first()?.value.kind {
        Kind::Str(text) => Some(text.to_string()),
        Kind::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    }
}

fn is_socket(value: &Val) -> bool {
    matches!(&value.kind, Kind::Made(path, _) if path.starts_with("socket"))
}
