//! Pickles: which names a stream of opcodes has its reader import. Nothing is built and nothing is called.
//!
//! Loading a pickle calls what it names, so a model file is a program. The opcodes are walked once; a stream that breaks is
//! judged by what came before, because that much has run already.

use std::borrow::Cow;
use std::collections::HashMap;

/// Opcodes that are walked, and strings that are remembered.
const OPCODES: usize = 2_000_000;
const REMEMBERED: usize = 20_000;
/// Names that are kept of one stream.
pub(crate) const NAMES: usize = 2_000;

/// Larger models are not held in memory for this.
pub(crate) const LARGEST: u64 = 32 << 20;

/// A name that a pickle imports, as `module` and `name`; both empty where the stream computes them.
pub(crate) type Named = (String, String);

/// Whether a file of this name is loaded as a pickle.
pub(crate) fn is_pickle(path: &str) -> bool {
    const ENDS: &[&str] =
        &[".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".dill", ".sav", ".bin", ".p", ".pck", ".model"];
    let lower = path.to_ascii_lowercase();
    ENDS.iter().any(|end| lower.ends_with(end))
}

/// The names in a pickle, or in the pickles of an archive as PyTorch writes them.
pub(crate) fn names(bytes: &[u8]) -> Vec<Named> {
    if bytes.starts_with(b"PK\x03\x04") { zipped(bytes) } else { stream(bytes) }
}

/// Whether loading this calls what runs programs or code.
pub(crate) fn harm((module, name): &Named) -> bool {
    let root = module.split('.').next().unwrap_or(module);
    match root {
        "builtins" | "__builtin__" => {
            matches!(name.as_str(), "exec" | "eval" | "compile" | "__import__" | "execfile" | "breakpoint" | "open")
        }
        "os" | "posix" | "nt" => {
            !matches!(name.as_str(), "fspath" | "PathLike" | "stat_result" | "terminal_size") && !name.starts_with('_')
        }
        "subprocess" | "pty" | "commands" | "popen2" | "runpy" | "code" | "codeop" | "pdb" | "bdb" | "webbrowser"
        | "socket" | "ctypes" | "pip" | "requests" | "httpx" | "urllib2" | "shutil" | "timeit" | "cProfile"
        | "platform" => true,
        "importlib" => name.contains("import_module") || name == "__import__",
        "urllib" => name.starts_with("url"),
        "marshal" => name == "loads",
        "asyncio" => name.starts_with("create_subprocess"),
        "numpy" => name == "runstring",
        "torch" => module == "torch.hub",
        _ => false,
    }
}

/// The members of a zip whose names end as pickles do, by its local headers: stored ones, as every writer of models makes them.
fn zipped(bytes: &[u8]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(header) = bytes.get(at..at + 30) {
        if !header.starts_with(b"PK\x03\x04") {
            break;
        }
        let short = |from: usize| usize::from(u16::from_le_bytes([header[from], header[from + 1]]));
        let packed = u32::from_le_bytes([header[18], header[19], header[20], header[21]]) as usize;
        let start = at + 30 + short(26) + short(28);
        let name = bytes.get(at + 30..at + 30 + short(26)).unwrap_or_default();
        let rest = bytes.get(start..).unwrap_or_default();
        if short(8) == 0 && (name.ends_with(b".pkl") || name.ends_with(b".pickle")) {
            found.extend(stream(rest));
        }
        // Written as a stream, the sizes stand behind the member: the next header is looked for.
        at = match packed {
            0 | 0xffff_ffff => match rest.windows(4).position(|window| window == b"PK\x03\x04") {
                Some(next) => start + next,
                None => break,
            },
            packed => start.saturating_add(packed),
        };
        if found.len() >= NAMES {
            break;
        }
    }
    found
}

/// Reads opcodes and their arguments.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(count)?)?;
        self.at += count;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    /// A little-endian length of so many bytes.
    fn length(&mut self, count: usize) -> Option<usize> {
        let value = self.take(count)?.iter().rev().fold(0_u64, |value, &byte| value << 8 | u64::from(byte));
        usize::try_from(value).ok()
    }

    fn counted(&mut self, count: usize) -> Option<&'a [u8]> {
        let length = self.length(count)?;
        self.take(length)
    }

    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = self.bytes.get(self.at..)?;
        let end = rest.iter().position(|&byte| byte == b'\n')?;
        self.at += end + 1;
        Some(rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]))
    }
}

/// What the walk knows: texts on the stack, and those that the memo holds.
#[derive(Default)]
struct Walk<'a> {
    stack: Vec<Option<Cow<'a, str>>>,
    memo: HashMap<usize, Option<Cow<'a, str>>>,
    found: Vec<Named>,
}

impl<'a> Walk<'a> {
    fn push(&mut self, value: Option<Cow<'a, str>>) {
        if self.stack.len() >= REMEMBERED {
            self.stack.drain(..REMEMBERED / 2);
        }
        self.stack.push(value);
    }

    fn text(&mut self, bytes: Option<&'a [u8]>) -> Option<()> {
        let text = bytes?;
        self.push((text.len() < 400).then(|| String::from_utf8_lossy(text)));
        Some(())
    }

    fn remember(&mut self, slot: usize) {
        if self.memo.len() < REMEMBERED {
            self.memo.insert(slot, self.stack.last().cloned().flatten());
        }
    }

    fn recall(&mut self, slot: usize) {
        let value = self.memo.get(&slot).cloned().flatten();
        self.push(value);
    }

    fn named(&mut self, module: &str, name: &str) {
        if self.found.len() < NAMES {
            self.found.push((module.to_owned(), name.to_owned()));
        }
        self.push(None);
    }
}

fn stream(bytes: &[u8]) -> Vec<Named> {
    let mut walk = Walk::default();
    let mut reader = Reader { bytes, at: 0 };
    for _ in 0..OPCODES {
        match step(&mut walk, &mut reader) {
            Some(true) => {}
            Some(false) | None => break,
        }
    }
    walk.found
}

/// One opcode; false at the end, `None` where the stream breaks.
fn step<'a>(walk: &mut Walk<'a>, reader: &mut Reader<'a>) -> Option<bool> {
    match reader.byte()? {
        b'.' => return Some(false),
        // Imports.
        b'c' | b'i' => {
            let (module, name) = (reader.line()?, reader.line()?);
            walk.named(&String::from_utf8_lossy(module), &String::from_utf8_lossy(name));
        }
        0x93 => {
            let (name, module) = (walk.stack.pop().flatten(), walk.stack.pop().flatten());
            walk.named(&module.unwrap_or_default(), &name.unwrap_or_default());
        }
        // Texts.
        b'S' | b'V' => {
            let line = reader.line()?;
            let quoted = line.strip_prefix(b"'").and_then(|line| line.strip_suffix(b"'"));
            walk.text(Some(quoted.unwrap_or(line)))?;
        }
        b'X' | b'T' | b'B' => walk.text(reader.counted(4))?,
        0x8c | b'U' | b'C' => walk.text(reader.counted(1))?,
        0x8d | 0x8e | 0x96 => walk.text(reader.counted(8))?,
        // The memo.
        b'p' => {
            let slot = number(reader.line()?)?;
            walk.remember(slot);
        }
        b'q' => {
            let slot = usize::from(reader.byte()?);
            walk.remember(slot);
        }
        b'r' => {
            let slot = reader.length(4)?;
            walk.remember(slot);
        }
        0x94 => walk.remember(walk.memo.len()),
        b'g' => {
            let slot = number(reader.line()?)?;
            walk.recall(slot);
        }
        b'h' => {
            let slot = usize::from(reader.byte()?);
            walk.recall(slot);
        }
        b'j' => {
            let slot = reader.length(4)?;
            walk.recall(slot);
        }
        b'0' => drop(walk.stack.pop()),
        b'2' => walk.push(walk.stack.last().cloned().flatten()),
        // Numbers and others with an argument.
        b'I' | b'L' | b'F' | b'P' => {
            reader.line()?;
            walk.push(None);
        }
        0x80 | b'K' => {
            reader.take(1)?;
            walk.push(None);
        }
        b'M' => {
            reader.take(2)?;
            walk.push(None);
        }
        b'J' => {
            reader.take(4)?;
            walk.push(None);
        }
        b'G' => {
            reader.take(8)?;
            walk.push(None);
        }
        0x8a => {
            reader.counted(1)?;
            walk.push(None);
        }
        0x8b => {
            reader.counted(4)?;
            walk.push(None);
        }
        0x95 => drop(reader.take(8)?),
        0x82 => drop(reader.take(1)?),
        0x83 => drop(reader.take(2)?),
        0x84 => drop(reader.take(4)?),
        // Marks, containers, calls: what they give is no text.
        b'N' | b'(' | b')' | b'}' | b']' | 0x88 | 0x89 | 0x8f | 0x97 => walk.push(None),
        b't'
        | b'l'
        | b'd'
        | 0x85..=0x87
        | 0x91
        | b'R'
        | b'o'
        | b'b'
        | b'a'
        | b'e'
        | b's'
        | b'u'
        | b'1'
        | 0x81
        | 0x90
        | 0x92
        | b'Q'
        | 0x98 => {}
        _ => return None,
    }
    Some(true)
}

fn number(line: &[u8]) -> Option<usize> {
    std::str::from_utf8(line).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(bytes: &[u8]) -> Vec<String> {
        names(bytes).into_iter().map(|(module, name)| format!("{module}.{name}")).collect()
    }

    #[test]
    fn every_protocol_names_what_it_imports() {
        assert_eq!(named(b"cos\nsystem\n(S'true'\ntR."), ["os.system"]);
        assert_eq!(named(b"\x80\x02cposix\nsystem\nq\x00X\x04\x00\x00\x00trueq\x01\x85q\x02Rq\x03."), ["posix.system"]);
        // Protocol 4: texts, the memo, then STACK_GLOBAL.
        assert_eq!(
            named(b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x04true\x94\x85\x94R\x94."),
            ["posix.system"]
        );
        assert_eq!(named(b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94h\x00h\x01\x93."), ["os.system"]);
    }

    #[test]
    fn what_came_before_a_break_counts_and_noise_is_nothing() {
        assert_eq!(named(b"cos\nsystem\n(S'true'\ntR\xff\xff"), ["os.system"]);
        assert!(
            named(b"").is_empty()
                && named(b"\x00\x01\x02").is_empty()
                && named(b"\x80\x04X\xff\xff\xff\xff").is_empty()
        );
    }

    #[test]
    fn models_are_zips_of_pickles() {
        let pickle = b"\x80\x02cos\nsystem\n.";
        let mut zip = Vec::new();
        for (name, content) in [(&b"m/version"[..], &b"3\n"[..]), (b"m/data.pkl", pickle)] {
            zip.extend_from_slice(b"PK\x03\x04\x14\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00");
            zip.extend_from_slice(&[0; 8]);
            zip.extend_from_slice(&[u8::try_from(name.len()).expect("short"), 0, 0, 0]);
            zip.extend_from_slice(name);
            zip.extend_from_slice(content);
        }
        assert_eq!(named(&zip), ["os.system"]);
    }

    #[test]
    fn what_runs_things_is_harm_and_what_models_need_is_not() {
        let harm = |module: &str, name: &str| harm(&(module.to_owned(), name.to_owned()));
        assert!(
            harm("os", "system")
                && harm("builtins", "exec")
                && harm("subprocess", "Popen")
                && harm("runpy", "_run_code")
        );
        assert!(
            !harm("collections", "OrderedDict")
                && !harm("torch._utils", "_rebuild_tensor_v2")
                && !harm("builtins", "getattr")
        );
    }
}
