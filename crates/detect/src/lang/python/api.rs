//! What calls of named functions do: the standard library's and the common packages' ways to touch the machine.

use crate::behaviour::{Ability, Sources};

/// Where the noun of a call is: what it fetches, runs, opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Noun {
    None,
    /// That positional argument, or one of the usual keywords.
    Arg(usize),
    /// What the receiver was made with.
    Receiver,
}

/// What a call does.
#[derive(Debug, Clone, Copy)]
pub(super) struct Api {
    pub(super) does: &'static [Ability],
    pub(super) noun: Noun,
    /// Where its result comes from.
    pub(super) gives: Sources,
}

const fn api(does: &'static [Ability], noun: Noun, gives: Sources) -> Option<Api> {
    Some(Api { does, noun, gives })
}

use Ability::{
    Clipboard, Decrypt, DeleteFile, Disarm, Dns, Escalate, Execute, InstallPackage, Listen, LoadNative, MakeExecutable,
    Network, Persist, ReadBrowser, ReadCredential, Shell, Spawn, SystemInfo, Watch, WriteFile,
};

const GET: &[Ability] = &[Network, Ability::Download];

/// What a call of this dotted name does. Calls in the middle of the name are left out: `socket.socket.connect`.
pub(super) fn look_up(path: &str) -> Option<Api> {
    let (root, rest) = path.split_once('.').unwrap_or((path, ""));
    let last = path.rsplit('.').next().unwrap_or(path);
    let none = Sources::NONE;
    match root {
        "os" | "posix" | "nt" => os(rest),
        "subprocess" | "commands" | "popen2" => match rest {
            "getoutput" | "getstatusoutput" => api(&[Spawn, Shell], Noun::Arg(0), none),
            "Popen" | "call" | "run" | "check_call" | "check_output" | "popen2" | "popen3" => {
                api(&[Spawn], Noun::Arg(0), none)
            }
            _ => None,
        },
        "asyncio" | "anyio" | "trio" => match last {
            "create_subprocess_shell" => api(&[Spawn, Shell], Noun::Arg(0), none),
            "create_subprocess_exec" | "run_process" | "open_process" => api(&[Spawn], Noun::Arg(0), none),
            "open_connection" | "connect_tcp" => api(&[Network], Noun::Arg(0), Sources::NETWORK),
            "start_server" => api(&[Listen], Noun::Arg(1), Sources::NETWORK),
            _ => None,
        },
        "pty" if rest == "spawn" => api(&[Spawn, Shell], Noun::Arg(0), none),
        "pexpect" | "plumbum" if matches!(rest, "spawn" | "run") => api(&[Spawn], Noun::Arg(0), none),
        "socket" => match rest {
            "socket.connect" | "socket.connect_ex" | "create_connection" | "socket.sendto" => {
                api(&[Network], Noun::Arg(if last == "sendto" { 1 } else { 0 }), Sources::NETWORK)
            }
            "socket.send" | "socket.sendall" => api(&[Network], Noun::Receiver, none),
            "socket.bind" | "socket.listen" | "create_server" => api(&[Listen], Noun::Arg(0), none),
            "gethostbyname" | "gethostbyname_ex" | "getaddrinfo" => api(&[Dns], Noun::Arg(0), Sources::SYSTEM),
            "gethostname" | "getfqdn" => api(&[SystemInfo], Noun::None, Sources::SYSTEM),
            _ => None,
        },
        "dns" | "dnslib" if matches!(last, "query" | "resolve") => api(&[Dns], Noun::Arg(0), Sources::NETWORK),
        "urllib" | "urllib2" | "urllib3" => match last {
            "urlopen" => api(GET, Noun::Arg(0), Sources::NETWORK),
            "urlretrieve" => {
                api(&[Network, Ability::Download, WriteFile], Noun::Arg(0), Sources::NETWORK.with(Sources::WRITTEN))
            }
            "request" | "open" if rest != "request" => {
                api(GET, Noun::Arg(if last == "open" { 0 } else { 1 }), Sources::NETWORK)
            }
            "retrieve" => api(&[Network, Ability::Download, WriteFile], Noun::Arg(0), Sources::NETWORK),
            _ => None,
        },
        "requests" | "httpx" | "aiohttp" | "cloudscraper" | "requests_html" | "tls_client" | "curl_cffi"
        | "grequests" | "treq" | "primp" | "requests_futures" => match last {
            "get" | "head" | "options" | "stream" => api(GET, Noun::Arg(0), Sources::NETWORK),
            "post" | "put" | "patch" | "delete" => api(&[Network], Noun::Arg(0), Sources::NETWORK),
            "request" | "ws_connect" => api(&[Network], Noun::Arg(1), Sources::NETWORK),
            _ => None,
        },
        "http" | "httplib" => match last {
            "request" | "putrequest" => api(&[Network], Noun::Receiver, Sources::NETWORK),
            "getresponse" => api(GET, Noun::Receiver, Sources::NETWORK),
            "serve_forever" => api(&[Listen], Noun::None, none),
            _ => None,
        },
        "httplib2" if last == "request" => api(GET, Noun::Arg(0), Sources::NETWORK),
        "pycurl" if last == "perform" => api(GET, Noun::None, Sources::NETWORK),
        "wget" | "gdown" if last == "download" => {
            api(&[Network, Ability::Download, WriteFile], Noun::Arg(0), Sources::NETWORK.with(Sources::WRITTEN))
        }
        "websocket" | "websockets" if matches!(last, "create_connection" | "connect" | "WebSocketApp" | "send") => {
            api(&[Network], Noun::Arg(0), Sources::NETWORK)
        }
        "socketio" if last == "connect" => api(&[Network], Noun::Arg(0), Sources::NETWORK),
        "ftplib" | "smtplib" | "telnetlib" | "imaplib" | "poplib" | "paramiko" | "yagmail" | "pysftp"
            if matches!(
                last,
                "FTP"
                    | "SMTP"
                    | "SMTP_SSL"
                    | "Telnet"
                    | "connect"
                    | "sendmail"
                    | "send_message"
                    | "storbinary"
                    | "send"
                    | "exec_command"
                    | "put"
                    | "login"
            ) =>
        {
            api(&[Network], Noun::Arg(0), Sources::NETWORK)
        }
        "xmlrpc" | "xmlrpclib" if last == "ServerProxy" => api(&[Network], Noun::Arg(0), Sources::NETWORK),
        "dhooks" | "discord_webhook" | "discord" | "telebot" | "telegram" | "pyrogram" | "slack_sdk" | "dropbox"
        | "mega" | "discordwebhook" | "notifiers" | "pastebin"
            if matches!(
                last,
                "Webhook"
                    | "DiscordWebhook"
                    | "execute"
                    | "send"
                    | "send_message"
                    | "send_document"
                    | "send_photo"
                    | "SyncWebhook"
                    | "from_url"
                    | "run"
                    | "files_upload"
                    | "upload"
                    | "post"
                    | "send_file"
            ) =>
        {
            api(&[Network], Noun::Arg(0), Sources::NETWORK)
        }
        "webbrowser" if matches!(rest, "open" | "open_new" | "open_new_tab") => api(&[Network], Noun::Arg(0), none),
        "platform" | "getpass" | "psutil" | "distro" | "cpuinfo" | "GPUtil" | "wmi" | "netifaces" => match last {
            // Who this is; what kind of machine it is, is in every user agent.
            "node" | "uname" | "getuser" | "net_if_addrs" | "users" | "WMI" | "interfaces" | "ifaddresses" => {
                api(&[SystemInfo], Noun::None, Sources::SYSTEM)
            }
            "platform" | "system" | "release" | "version" | "machine" | "processor" | "architecture"
            | "virtual_memory" | "disk_usage" | "cpu_count" | "process_iter" | "boot_time" | "getGPUs" => {
                api(&[SystemInfo], Noun::None, Sources::NONE)
            }
            "getpass" => api(&[], Noun::None, Sources::CREDENTIAL),
            _ => None,
        },
        "uuid" if matches!(rest, "getnode" | "uuid1") => api(&[SystemInfo], Noun::None, Sources::SYSTEM),
        "pwd" if matches!(last, "getpwuid" | "getpwnam" | "getpwall") => {
            api(&[SystemInfo], Noun::None, Sources::SYSTEM)
        }
        "shutil" => match rest {
            "rmtree" => api(&[DeleteFile], Noun::Arg(0), none),
            "unpack_archive" => api(&[WriteFile], Noun::Arg(1), none),
            _ => None,
        },
        "zipfile" | "tarfile" if matches!(last, "extractall" | "extract") => api(&[WriteFile], Noun::Receiver, none),
        "ctypes" => ctypes(rest, last),
        "cffi" if last == "dlopen" => api(&[LoadNative], Noun::Arg(0), none),
        "clr" if last == "AddReference" => api(&[LoadNative], Noun::Arg(0), none),
        "winreg" | "_winreg" => match rest {
            "SetValueEx" | "SetValue" => api(&[Persist], Noun::Receiver, none),
            "CreateKey" | "CreateKeyEx" => api(&[], Noun::Arg(1), none),
            "OpenKey" | "OpenKeyEx" => api(&[], Noun::Arg(1), none),
            _ => None,
        },
        "pyperclip" | "clipboard" | "win32clipboard" | "xerox" | "pyperclip3" => match last {
            "paste" | "copy" | "GetClipboardData" | "SetClipboardData" | "SetClipboardText" | "waitForNewPaste" => {
                api(&[Clipboard], Noun::None, Sources::PRIVATE)
            }
            _ => None,
        },
        "pynput" | "keyboard" | "pyHook" | "pyWinhook" | "mouse" => match last {
            "Listener" | "on_press" | "hook" | "record" | "on_release" | "start_recording" | "HookKeyboard"
            | "HookManager" | "read_event" => api(&[Watch], Noun::None, Sources::PRIVATE),
            _ => None,
        },
        "PIL" | "ImageGrab" | "pyautogui" | "pyscreenshot" | "mss" | "cv2" | "pyscreeze" | "d3dshot" => match last {
            "grab" | "screenshot" | "shot" | "VideoCapture" => api(&[Watch], Noun::None, Sources::PRIVATE),
            _ => None,
        },
        "sounddevice" | "pyaudio" if matches!(last, "rec" | "open") => api(&[Watch], Noun::None, Sources::PRIVATE),
        "cryptography" | "Crypto" | "Cryptodome" | "nacl" | "pyaes" | "rsa" | "fernet" | "simplecrypt" => match last {
            "decrypt" | "decrypt_and_verify" | "finalize" | "decryptor" | "update" => {
                api(&[Decrypt], Noun::None, Sources::DECODED)
            }
            _ => None,
        },
        "win32crypt" if last == "CryptUnprotectData" => api(&[ReadBrowser, Decrypt], Noun::None, Sources::PRIVATE),
        "browser_cookie3" | "browsercookie" | "pycookiecheat" | "browserhistory" => {
            api(&[ReadBrowser], Noun::None, Sources::PRIVATE)
        }
        "keyring" if matches!(last, "get_password" | "get_credential") => {
            api(&[ReadCredential], Noun::Arg(0), Sources::CREDENTIAL)
        }
        "pip" if matches!(last, "main") => api(&[InstallPackage], Noun::Arg(0), none),
        "runpy" if matches!(rest, "run_path" | "run_module") => api(&[Execute], Noun::Arg(0), Sources::NONE),
        "imp" if matches!(rest, "load_source" | "load_compiled" | "load_dynamic") => {
            api(&[Execute], Noun::Arg(1), none)
        }
        "code" if matches!(last, "runsource" | "runcode") => api(&[Execute], Noun::Arg(0), none),
        "types" if matches!(rest, "FunctionType" | "CodeType" | "LambdaType") => api(&[Execute], Noun::None, none),
        "ssl" if rest == "_create_unverified_context" => api(&[Disarm], Noun::None, none),
        "win32api" | "win32com" | "win32process" | "win32file" => match last {
            "ShellExecute" | "WinExec" | "CreateProcess" | "Run" | "Exec" => api(&[Spawn], Noun::Arg(0), none),
            _ => None,
        },
        "execfile" => api(&[Execute], Noun::Arg(0), none),
        "crontab" if last == "write" => api(&[Persist], Noun::None, none),
        _ => None,
    }
}

fn os(rest: &str) -> Option<Api> {
    let none = Sources::NONE;
    match rest {
        "system" | "popen" | "popen2" | "popen3" | "popen4" => api(&[Spawn, Shell], Noun::Arg(0), none),
        "startfile" | "execl" | "execle" | "execlp" | "execlpe" | "execv" | "execve" | "execvp" | "execvpe"
        | "posix_spawn" | "posix_spawnp" => api(&[Spawn], Noun::Arg(0), none),
        "spawnl" | "spawnle" | "spawnlp" | "spawnlpe" | "spawnv" | "spawnve" | "spawnvp" | "spawnvpe" => {
            api(&[Spawn], Noun::Arg(1), none)
        }
        "remove" | "unlink" | "removedirs" | "rmdir" => api(&[DeleteFile], Noun::Arg(0), none),
        "chmod" | "fchmod" => api(&[MakeExecutable], Noun::Arg(0), none),
        "getlogin" | "uname" | "getuid" | "getppid" => api(&[SystemInfo], Noun::None, Sources::SYSTEM),
        "getcwd" | "getcwdu" => api(&[], Noun::None, Sources::SYSTEM),
        "setuid" | "setgid" | "seteuid" => api(&[Escalate], Noun::None, none),
        _ => None,
    }
}

fn ctypes(rest: &str, last: &str) -> Option<Api> {
    let none = Sources::NONE;
    match last {
        "CDLL" | "WinDLL" | "PyDLL" | "OleDLL" | "LoadLibrary" => api(&[LoadNative], Noun::Arg(0), none),
        "VirtualAlloc" | "RtlMoveMemory" | "CreateThread" | "CreateRemoteThread" | "WriteProcessMemory"
        | "VirtualProtect" | "EnumWindows" | "VirtualAllocEx"
            if rest.starts_with("windll") || rest.starts_with("WinDLL") || rest.starts_with("cdll") =>
        {
            api(&[LoadNative, Execute], Noun::None, none)
        }
        "ReadProcessMemory" => api(&[Ability::ReadMemory], Noun::None, none),
        "ShellExecuteW" | "ShellExecuteA" => api(&[Spawn, Escalate], Noun::Arg(2), none),
        "GetAsyncKeyState" | "SetWindowsHookExA" | "SetWindowsHookExW" => api(&[Watch], Noun::None, Sources::PRIVATE),
        _ => None,
    }
}
