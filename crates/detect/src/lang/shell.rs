//! Text for a shell, `cmd` or PowerShell, wherever it is found: a script, a lifecycle command, an argument of `os.system`.

use crate::behaviour::Effect;

/// What a command line or script does. `line` is where it stands in the file that holds it.
pub(crate) fn effects(_text: &str, _line: u32) -> Vec<Effect> {
    Vec::new()
}
