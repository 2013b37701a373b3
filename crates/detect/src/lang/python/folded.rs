//! Calls that fold: numbers, bytes, ranges, decoders.

use std::rc::Rc;

use super::builtins::Called;
use super::decode;
use super::eval::{Eval, Source};
use super::fold;
use super::value::{Arg, Kind, Val};
use crate::behaviour::{Ability, Sources};
use crate::pickle;

impl Eval {
    pub(super) fn int(&mut self, args: &[Arg], from: Sources) -> Option<Val> {
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

    pub(super) fn bytes(&mut self, called: &Called<'_>, from: Sources) -> Option<Val> {
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

    pub(super) fn range(&mut self, args: &[Arg]) -> Option<Val> {
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

    pub(super) fn map(&mut self, source: &Rc<Source>, offset: u32, args: &[Arg]) -> Option<Val> {
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

    pub(super) fn maketrans(&mut self, args: &[Arg]) -> Option<Val> {
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
    pub(super) fn decode_call(
        &mut self,
        source: &Rc<Source>,
        offset: u32,
        called: &Called<'_>,
        given: Sources,
    ) -> Option<Val> {
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
            // `base64.b64encode(x).decode("ascii")` is a method of what was encoded.
            "base64" | "pybase64" if path.matches('.').count() == 1 => {
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
            if text.len() < 400 && text.starts_with("http") && self.addresses.len() < 50 {
                self.addresses.push(text.trim_end().into());
            }
        }
        let kind = match std::str::from_utf8(&bytes) {
            Ok(text) if root == "codecs" => Kind::Str(text.into()),
            _ => Kind::Bytes(bytes.into()),
        };
        Some(Val::new(kind, from))
    }
}
