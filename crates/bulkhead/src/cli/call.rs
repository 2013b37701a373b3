//! One request, to the server that runs or to the data itself.

use serde::de::DeserializeOwned;

use super::{Failure, Place};
use crate::app::App;
use crate::control::{self, Reply, Request};

/// Sends the request and reads the facts of its reply.
pub(super) fn call<T: DeserializeOwned>(place: &Place, request: Request) -> Result<T, Failure> {
    let config = place.load()?;
    let reply = match control::ask(&config.server.data, &request)? {
        Some(reply) => reply,
        None => offline(config, request)?,
    };
    match reply {
        Reply::Facts(facts) => {
            let facts = serde_json::from_value(facts);
            facts.map_err(|error| Failure::Other(anyhow::anyhow!("the server's reply is not understood: {error}")))
        }
        Reply::Problem { code, title, detail, help } => Err(Failure::Remote { code, title, detail, help }),
    }
}

fn offline(config: crate::config::Config, request: Request) -> Result<Reply, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(anyhow::Error::new)?;
    runtime.block_on(async {
        let app = App::open(config).await?;
        let reply = control::act(&app, request).await;
        app.close().await;
        Ok(reply)
    })
}
