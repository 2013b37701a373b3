//! Prints what the code of archives does and when: `cargo run --release -p bulkhead-detect --example behaviours --
//! [--all] FILE...`. Without `--all`, only what happens without anybody calling it. For whoever writes a detector.
#![expect(clippy::print_stdout, reason = "a command line tool prints")]

use std::path::Path;
use std::time::Instant;
use std::{fs, io};

use bulkhead_detect::{Limits, code_of};

fn main() -> io::Result<()> {
    let mut all = false;
    for argument in std::env::args().skip(1) {
        if argument == "--all" {
            all = true;
            continue;
        }
        let bytes = fs::read(&argument)?;
        let name = Path::new(&argument).file_name().unwrap_or_default().to_string_lossy().into_owned();
        let start = Instant::now();
        let code = code_of(&bytes, &name, &Limits::default());
        println!(
            "== {name}: {} views, {} hooks, {:.1} ms",
            code.views.len(),
            code.hooks.len(),
            start.elapsed().as_secs_f64() * 1e3
        );
        for view in &code.views {
            if view.fidelity != bulkhead_detect::Fidelity::Parsed {
                println!("  {}: {:?}", view.path, view.fidelity);
            }
        }
        for hook in &code.hooks {
            println!("  hook {} {:?} {}: {}", hook.kind, hook.context, hook.path, hook.runs);
        }
        for behaviour in &code.behaviours {
            let called = matches!(behaviour.context, bulkhead_core::FindingContext::Call);
            if called && !all {
                continue;
            }
            let effect = &behaviour.effect;
            println!(
                "  {} {} from {:?} {}:{} [{}] {} | {}",
                behaviour.context.as_str(),
                effect.ability,
                effect.from,
                behaviour.path,
                effect.line,
                behaviour.unit,
                effect.detail.as_deref().unwrap_or_default(),
                effect.excerpt
            );
        }
    }
    Ok(())
}
