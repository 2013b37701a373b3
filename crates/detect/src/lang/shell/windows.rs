//! Programs of Windows that fetch, decode, start and stay.

use super::command::Judged;
use crate::behaviour::{Ability, Sources};
use crate::lang::places;

/// What one of them does; other programs are left alone.
pub(super) fn judge(judged: &mut Judged<'_>, program: &str) {
    let words: Vec<String> = judged.args().map(str::to_ascii_lowercase).collect();
    let has = |flag: &str| words.iter().any(|word| word.trim_start_matches(['-', '/']) == flag);
    let url = judged.url().unwrap_or_default();
    let all = judged.rest(1);
    let last = judged.args().last().unwrap_or_default().to_owned();
    match program {
        "mshta" if !url.is_empty() || all.to_ascii_lowercase().contains("script:") => {
            judged.effect(Ability::Download, Sources::NONE, &url);
            judged.effect(Ability::Shell, Sources::NETWORK, "mshta");
        }
        "regsvr32" if all.to_ascii_lowercase().contains("/i:http") => {
            judged.effect(Ability::Download, Sources::NONE, &url);
            judged.effect(Ability::Shell, Sources::NETWORK, "regsvr32");
        }
        "rundll32" if all.to_ascii_lowercase().contains("javascript:") => {
            judged.effect(Ability::Shell, Sources::NETWORK, "rundll32");
        }
        "msiexec" if !url.is_empty() => {
            judged.effect(Ability::Download, Sources::NONE, &url);
            judged.effect(Ability::Spawn, Sources::NETWORK.with(Sources::WRITTEN), "msiexec");
        }
        "certutil" if has("urlcache") || has("verifyctl") => {
            judged.effect(Ability::Download, Sources::NONE, &url);
            judged.writes(&last, Sources::NETWORK);
        }
        "certutil" if has("decode") || has("decodehex") => {
            judged.effect(Ability::Decode, judged.flow, "certutil");
            judged.writes(&last, Sources::DECODED);
        }
        "bitsadmin" if has("transfer") || has("addfile") => {
            judged.effect(Ability::Download, Sources::NONE, &url);
            judged.writes(&last, Sources::NETWORK);
        }
        "reg" if has("add") => {
            if places::persistent(&all) {
                judged.effect(Ability::Persist, Sources::NONE, &all);
            }
            if all.to_ascii_lowercase().contains("ms-settings") {
                judged.effect(Ability::Escalate, Sources::NONE, "UAC");
            }
        }
        "schtasks" if has("create") => judged.effect(Ability::Persist, Sources::NONE, &all),
        "sc" if has("create") => judged.effect(Ability::Persist, Sources::NONE, &all),
        "netsh" if words.iter().any(|word| word == "off" || word == "disable") => {
            judged.effect(Ability::Disarm, Sources::NONE, "firewall");
        }
        "runas" | "fodhelper" => judged.effect(Ability::Escalate, Sources::NONE, program),
        "del" | "rd" | "rmdir" | "format" if has("s") && judged.args().any(places::home) => {
            judged.effect(Ability::DeleteFile, Sources::NONE, "home");
        }
        "copy" | "move" | "xcopy" | "robocopy" => judged.writes(&last, judged.flow),
        "clip" => judged.effect(Ability::Clipboard, Sources::NONE, program),
        _ => {}
    }
}
