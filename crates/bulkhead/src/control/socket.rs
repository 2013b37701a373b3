//! The control socket: a Unix socket in the data directory, which only its owner may enter. One JSON line each way.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream as Blocking;
use std::path::Path;
use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

use super::{Reply, Request, act};
use crate::app::App;

/// The socket's name in the data directory.
pub const SOCKET: &str = "control.sock";
/// An inventory may list a million components; a reply may hold a bundle.
const LONGEST_REQUEST: u64 = 512 << 20;
const LONGEST_REPLY: u64 = 512 << 20;

/// Sends the request to the server that owns the data directory. `None` when no server listens there.
///
/// # Errors
/// When a server listens but does not answer.
pub fn ask(data: &Path, request: &Request) -> anyhow::Result<Option<Reply>> {
    let path = data.join(SOCKET);
    let Ok(mut stream) = Blocking::connect(&path) else { return Ok(None) };
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut reply = String::new();
    BufReader::new(stream.take(LONGEST_REPLY)).read_line(&mut reply)?;
    anyhow::ensure!(reply.ends_with('\n'), "the server at {} hung up before it answered", path.display());
    Ok(Some(serde_json::from_str(&reply)?))
}

/// Listens on the control socket. The caller holds the data directory's lock, so a socket file that is there is stale.
///
/// # Errors
/// When the socket cannot be made.
pub fn listen(app: &Arc<App>) -> std::io::Result<()> {
    let path = app.data().join(SOCKET);
    if path.exists() {
        crate::files::remove(&path)?;
    }
    let listener = UnixListener::bind(&path)?;
    crate::files::set_mode(&path, std::fs::Permissions::from_mode(0o600))?;
    let served = Arc::clone(app);
    app.tasks().spawn(async move {
        let mut stopping = served.stopping();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = stopping.wait() => return,
            };
            match accepted {
                Ok((stream, _)) => {
                    let app = Arc::clone(&served);
                    served.tasks().spawn(async move {
                        if let Err(error) = serve(&app, stream).await {
                            tracing::warn!(%error, "a control request failed");
                        }
                    });
                }
                Err(error) => tracing::warn!(%error, "the control socket could not accept"),
            }
        }
    });
    Ok(())
}

async fn serve(app: &Arc<App>, stream: UnixStream) -> anyhow::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    tokio::io::BufReader::new(reader.take(LONGEST_REQUEST)).read_line(&mut line).await?;
    let reply = match serde_json::from_str::<Request>(&line) {
        Ok(request) => act(app, request).await,
        Err(error) => Reply::Problem {
            code: "bad-request".to_owned(),
            title: "Request not understood".to_owned(),
            detail: error.to_string(),
            help: "use a `bulkhead` command of the same version as the server".to_owned(),
        },
    };
    let mut bytes = serde_json::to_vec(&reply)?;
    bytes.push(b'\n');
    writer.write_all(&bytes).await?;
    Ok(())
}
