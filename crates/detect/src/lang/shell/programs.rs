//! Programs that are neither shells nor fetch or decode: what stays, what deletes, what publishes, what watches.

use super::Dialect;
use super::command::{Judged, base_name};
use super::power::last;
use crate::behaviour::{Ability, Sources};
use crate::lang::places;

impl Judged<'_> {
    pub(super) fn agents(&mut self, program: &str) {
        let runner = matches!(program, "npx" | "bunx" | "pnpm" | "yarn");
        let name = if runner {
            self.args().find(|arg| !arg.starts_with('-') && *arg != "dlx").map(base_name)
        } else {
            Some(program.to_owned())
        };
        let name = name.unwrap_or_default();
        let name =
            name.split('@').next().unwrap_or_default().replace("claude-code", "claude").replace("gemini-cli", "gemini");
        if places::agent_unasked(&name, self.args()) {
            self.effect(Ability::AgentPrompt, self.flow, &self.shown.clone());
        }
    }

    pub(super) fn other(&mut self, program: &str) {
        super::windows::judge(self, program);
        let arg = self.args().find(|arg| !arg.starts_with('-')).unwrap_or_default().to_owned();
        match program {
            "crontab" if !self.has(&["-l", "-r"]) => self.effect(Ability::Persist, self.flow, "crontab"),
            "systemctl" if self.has(&["enable", "--now"]) => {
                self.effect(Ability::Persist, Sources::NONE, &self.shown.clone())
            }
            "launchctl" if self.has(&["load", "bootstrap", "submit"]) => {
                self.effect(Ability::Persist, Sources::NONE, &self.shown.clone())
            }
            "chmod" => {
                let executable = self.args().next().is_some_and(|mode| {
                    mode.contains("+x") || mode.contains("777") || mode.contains("755") || mode.contains("700")
                });
                let file =
                    self.args().find_map(|arg| self.shell.written.get(&last(arg)).map(|from| (arg.to_owned(), *from)));
                if let Some((file, from)) = file.filter(|_| executable) {
                    self.effect(Ability::MakeExecutable, from.with(Sources::WRITTEN), &file);
                }
            }
            "cp" | "mv" | "ln" | "install" | "tee" | "dd" | "rsync" => {
                let target = self.args().last().unwrap_or_default().trim_start_matches("of=").to_owned();
                let from = self.args().find_map(|arg| self.shell.written.get(&last(arg))).copied().unwrap_or(self.flow);
                self.writes(&target, from);
            }
            "rm" if self.args().any(|arg| arg.starts_with('-') && arg.to_ascii_lowercase().contains('r')) => {
                if self.args().any(|arg| !arg.starts_with('-') && places::home(arg))
                    || self.has(&["--no-preserve-root"])
                {
                    self.effect(Ability::DeleteFile, Sources::NONE, "home");
                }
            }
            "shred" => self.effect(Ability::DeleteFile, Sources::NONE, &arg),
            "npm" | "yarn" | "pnpm" | "pip" | "pip3" | "uv" | "gem" | "cargo" | "apt" | "apt-get" | "brew" | "apk"
            | "yum" | "dnf" | "winget" | "choco" => {
                if self.has(&["publish"]) {
                    self.effect(Ability::Publish, self.flow, &self.shown.clone());
                }
                let names = self.args().filter(|arg| !arg.starts_with('-')).count() > 1;
                if names && self.has(&["install", "add", "i"]) || self.has(&["-g", "--global"]) {
                    self.effect(Ability::InstallPackage, Sources::NONE, &self.shown.clone());
                }
            }
            "twine" | "git" if self.has(&["upload", "push"]) => {
                self.effect(Ability::Publish, self.flow, &self.shown.clone())
            }
            "gh" if self.has(&["repo", "gist", "release"]) && self.has(&["create"]) => {
                self.effect(Ability::Publish, self.flow, &self.shown.clone())
            }
            "xmrig" | "minerd" | "cpuminer" | "t-rex" => self.effect(Ability::Mine, Sources::NONE, program),
            "pbpaste" | "xclip" | "xsel" | "wl-paste" => {
                self.effect(Ability::Clipboard, Sources::NONE, program);
                self.printed = self.printed.with(Sources::PRIVATE);
            }
            // ImageMagick's, not a statement of some language that was taken for a command.
            "import"
                if !self
                    .args()
                    .any(|arg| arg == "-window" || [".png", ".jpg"].iter().any(|end| arg.ends_with(end))) => {}
            "screencapture" | "scrot" | "import" | "gnome-screenshot" => {
                self.effect(Ability::Watch, Sources::NONE, program)
            }
            "setenforce" | "ufw" | "spctl" | "csrutil" if self.has(&["0", "disable", "--master-disable"]) => {
                self.effect(Ability::Disarm, Sources::NONE, &self.shown.clone());
            }
            "xattr" if self.args().any(|arg| arg.contains("quarantine")) => {
                self.effect(Ability::Disarm, Sources::NONE, "quarantine")
            }
            "scp" | "sftp" | "ftp" | "rclone" => self.effect(Ability::Network, self.flow, &arg),
            _ => {
                let path = self
                    .words
                    .first()
                    .is_some_and(|word| word.text.contains(['/', '\\']) || self.dialect == Dialect::Cmd);
                if path && self.shell.written.contains_key(&last(&self.words[0].text)) {
                    self.words.truncate(1);
                    self.written_file("");
                }
                // What is not known passes through what it was given: cat, head, tr, cut, sed, jq.
                self.printed = self.flow;
                if matches!(program, "rev" | "tr" | "sed") && self.command.input.is_some() {
                    self.printed = self.printed.with(Sources::BUILT);
                }
            }
        }
    }
}
